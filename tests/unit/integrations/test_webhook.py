"""Webhooks against a real web server that fails, stalls and recovers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from streamer.integrations.config import WebhookConfig, WebhooksConfig
from streamer.integrations.signature import signed_headers
from streamer.integrations.webhook import WebhookSink
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.types import EventKind
from tests.made_up_events import crossing, encode, visit
from tests.receiver import Answer, Receiver, Request
from tests.system.program import eventually

SECRET = "sixteen characters"


class Sent:
    """A sink and what it counts."""

    def __init__(self, folder: Path) -> None:
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self._folder = folder
        self._sink: WebhookSink | None = None

    def start(self, *targets: tuple[str, str, dict[str, Any]]) -> WebhookSink:
        configs = tuple(
            WebhookConfig(name=name, url=SecretStr(url), **{"secret": SecretStr(SECRET), **more})
            for name, url, more in targets
        )
        config = WebhooksConfig(queue_file=self._folder / "queue.sqlite", targets=configs)
        self._sink = WebhookSink(config, encode=encode, health=self.health, metrics=self.metrics)
        self._sink.start()
        return self._sink

    def stop(self) -> None:
        assert self._sink is None or self._sink.stop(5)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"streamer_webhook_{name}", labels) or 0.0


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Sent]:
    found = Sent(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def test_a_request_holds_the_event_signed_with_its_key(sent: Sent, receiver: Receiver) -> None:
    sink = sent.start(("shop", receiver.url, {}))
    event = crossing("key-1", time.time())
    sink.event(event)
    receiver.wait("a request", lambda r: r.requests)
    (request,) = receiver.requests
    assert json.loads(request.body) == json.loads(encode(event))
    assert request.headers["content-type"] == "application/json"
    at = int(request.headers["webhook-timestamp"])
    assert abs(at - time.time()) < 10
    expected = signed_headers("key-1", at, request.body, SECRET)
    assert {name: request.headers[name] for name in expected} == expected


def test_a_target_hears_only_of_the_kinds_it_asked_for(sent: Sent, receiver: Receiver) -> None:
    with Receiver() as other:
        sink = sent.start(
            ("lines", receiver.url, {"events": (EventKind.LINE_CROSSED,)}),
            ("visits", other.url, {"events": (EventKind.VISIT_ENDED,)}),
        )
        sink.event(visit("v1", time.time()))
        sink.event(crossing("c1", time.time()))
        receiver.wait("the crossing", lambda r: r.delivered)
        other.wait("the visit", lambda r: r.delivered)
        assert (receiver.delivered, other.delivered) == (["c1"], ["v1"])


def test_an_event_is_tried_again_until_it_is_taken_and_the_next_waits_for_it(sent: Sent, receiver: Receiver) -> None:
    answers = iter([500, 404, 200])
    receiver.answer = lambda _: Answer(next(answers, 200))
    sink = sent.start(("shop", receiver.url, {}))
    sink.event(crossing("1", time.time()))
    sink.event(crossing("2", time.time()))
    receiver.wait("both", lambda r: len(r.delivered) == 2, 20)
    assert [request.key for request in receiver.requests] == ["1", "1", "1", "2"]
    # each try is signed anew, as a receiver refuses an old time
    assert sent.value("attempts_total", target="shop", outcome="retry") == 2
    eventually("works again", lambda: not sent.health.degraded)
    eventually("nothing waits", lambda: sent.value("queue", target="shop") == 0)


def test_an_event_that_is_refused_for_what_it_holds_is_given_up(sent: Sent, receiver: Receiver) -> None:
    receiver.answer = lambda request: Answer(422 if request.key == "1" else 200)
    sink = sent.start(("shop", receiver.url, {}))
    sink.event(crossing("1", time.time()))
    sink.event(crossing("2", time.time()))
    receiver.wait("the next one", lambda r: r.delivered == ["2"])
    assert [request.key for request in receiver.requests] == ["1", "2"]
    assert sent.value("attempts_total", target="shop", outcome="refused") == 1


def test_a_target_says_when_to_come_again(sent: Sent, receiver: Receiver) -> None:
    times: list[float] = []

    def answer(_: Request) -> Answer:
        times.append(time.monotonic())
        return Answer(503, {"Retry-After": "2"}) if len(times) == 1 else Answer()

    receiver.answer = answer
    sent.start(("shop", receiver.url, {})).event(crossing("1", time.time()))
    receiver.wait("it", lambda r: r.delivered)
    assert times[1] - times[0] >= 2


@pytest.mark.parametrize("act", ["stall", "drip"])
def test_a_target_that_stalls_holds_up_no_other_and_gets_it_later(sent: Sent, receiver: Receiver, act: Any) -> None:
    receiver.answer = lambda _: Answer(act=act)
    with Receiver() as other:
        sink = sent.start(("slow", receiver.url, {"timeout": 0.5}), ("quick", other.url, {}))
        keys = [str(n) for n in range(20)]
        for key in keys:
            sink.event(crossing(key, time.time()))
        other.wait("all", lambda r: r.delivered == keys)
        eventually("the trouble is told", lambda: "no answer in 0.5 s" in sent.health.degraded.get("webhook slow", ""))
        eventually("only that is in trouble", lambda: set(sent.health.degraded) == {"webhook slow"})
        receiver.answer = lambda _: Answer()
        receiver.wait("all", lambda r: r.delivered == keys, 20)


def test_a_target_that_stalls_is_told_before_its_time_is_over(sent: Sent, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(act="stall")
    sent.start(("slow", receiver.url, {"timeout": 60})).event(crossing("1", time.time()))
    eventually("it is told", lambda: "no answer yet" in sent.health.degraded.get("webhook slow", ""))
    receiver.answer = lambda _: Answer()
    receiver.wait("it is delivered when the target goes on", lambda r: r.delivered == ["1"])
    eventually("works again", lambda: not sent.health.degraded)


def test_a_redirect_is_not_followed_but_said(sent: Sent, receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.answer = lambda _: Answer(307, {"Location": elsewhere.url})
        sent.start(("shop", receiver.url, {})).event(crossing("1", time.time()))
        eventually("the trouble is told", lambda: "redirects" in sent.health.degraded.get("webhook shop", ""))
        assert "127.0.0.1" in sent.health.degraded["webhook shop"]
        assert elsewhere.requests == []


def test_an_address_that_is_a_secret_is_shown_nowhere(
    sent: Sent, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    receiver.answer = lambda _: Answer(500)
    sink = sent.start(("shop", receiver.url, {}), ("gone", "http://127.0.0.1:9/hook/t0psecret", {}))
    sink.event(crossing("1", time.time()))
    eventually("both told", lambda: len(sent.health.degraded) == 2)
    said = str(sent.health.degraded) + "\n".join(
        r.getMessage() for r in caplog.records if r.name.startswith("streamer")
    )
    assert "t0psecret" not in said
    assert SECRET not in said
    assert not [r for r in caplog.records if r.name == "httpx" and "t0psecret" in r.getMessage()]


def test_the_oldest_make_room_in_a_full_queue_and_are_counted(sent: Sent, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(503)
    sink = sent.start(("shop", receiver.url, {"queue_size": 10}))
    for n in range(30):
        sink.event(crossing(str(n), time.time()))
    eventually("counted", lambda: sent.value("dropped_total", target="shop") == 20)
    receiver.answer = lambda _: Answer()
    receiver.wait("the newest", lambda r: r.delivered == [str(n) for n in range(20, 30)], 20)


def test_a_full_disk_costs_no_event_once_there_is_room_again(
    sent: Sent, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamer.integrations.webhook._RETRY_SECONDS", 0.1)
    sink = sent.start(("shop", receiver.url, {}))
    database = sink._outbox._database
    database.execute("PRAGMA max_page_count = 1")  # SQLite takes the least that holds what is there
    keys = [str(n) for n in range(200)]
    for key in keys:
        sink.event(crossing(key, time.time()))
    eventually("the trouble is told", lambda: "full" in sent.health.degraded.get("webhooks", ""))
    database.execute("PRAGMA max_page_count = 100000")
    receiver.wait("all", lambda r: set(r.delivered) == set(keys), 20)
    eventually("works again", lambda: not sent.health.degraded)
