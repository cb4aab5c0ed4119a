from __future__ import annotations

from streamer.integrations.retained import Retained


def test_only_the_newest_payload_is_said_and_only_once() -> None:
    retained = Retained()
    assert retained.put("a", "1")
    assert retained.put("a", "2")
    assert not retained.put("a", "2")
    assert retained.take() == [("a", "2")]
    assert retained.take() == []


def test_what_is_removed_is_taken_away_at_the_broker_and_not_repeated() -> None:
    retained = Retained()
    retained.put("a", "1")
    retained.put("b", "1")
    retained.take()
    retained.remove("a")
    retained.remove("never there")
    assert retained.take() == [("a", "")]
    retained.repeat()
    assert retained.take() == [("b", "1")]


def test_a_removal_not_said_yet_survives_a_repetition() -> None:
    retained = Retained()
    retained.put("a", "1")
    retained.take()
    retained.remove("a")
    retained.repeat()
    assert retained.take() == [("a", "")]
