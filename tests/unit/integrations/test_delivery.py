from __future__ import annotations

import pytest

from streamer.integrations.delivery import Outcome, judge, retry_after

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (302, Outcome.RETRY),  # redirects are not followed; the address may be set right
        (400, Outcome.REFUSED),
        (401, Outcome.RETRY),
        (404, Outcome.RETRY),
        (413, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
    ],
)
def test_only_what_says_that_the_event_itself_is_wrong_gives_it_up(status: int, outcome: Outcome) -> None:
    assert judge(status) is outcome


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("7", 7),
        ("-7", 0),
        ("nan", 0),
        ("inf", 0),
        ("soon", 0),
        ("999999", 3600),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0),  # past
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30),
        ("Tue, 99 Nov 2023 22:13:50 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(value: str | None, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds
