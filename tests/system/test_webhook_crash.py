"""Webhooks of a process that is killed again and again, to a server that fails now and then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.receiver import Answer, Receiver, Request

pytestmark = pytest.mark.system

# Prints each key as soon as its event is in the file; tells `how many` events, or waits for a signal without any.
PROCESS = """
import sys, threading, time
from pathlib import Path
from pydantic import SecretStr
from streamer.monitoring.health import Health
from streamer.integrations import delivery
from streamer.integrations.config import WebhookConfig, WebhooksConfig
from streamer.integrations.webhook import WebhookSink
from streamer.monitoring.metrics import Metrics
from tests.made_up_events import crossing, encode

file, url, run, count = sys.argv[1:]
delivery._SHORTEST_PAUSE = 0.02
metrics = Metrics()
targets = (WebhookConfig(name="shop", url=SecretStr(url)),)
config = WebhooksConfig(queue_file=Path(file), targets=targets)
sink = WebhookSink(config, encode=encode, health=Health(metrics), metrics=metrics)
sink.start()
for n in range(int(count)):
    sink.event(crossing(f"{run}-{n}", time.time()))
    while sink._events:
        time.sleep(0.001)
    print(f"{run}-{n}", flush=True)
threading.Event().wait()
"""


def start(file: Path, receiver: Receiver, run: int, count: int) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROCESS, str(file), receiver.url, str(run), str(count)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def test_each_event_that_was_taken_arrives_at_least_once_however_often_the_process_is_killed(tmp_path: Path) -> None:
    asked = Counter[str]()

    def answer(request: Request) -> Answer:
        asked[request.key] += 1
        number = int(request.key.partition("-")[2])
        return Answer(500) if number % 5 == 0 and asked[request.key] == 1 else Answer()

    taken: list[str] = []
    file = tmp_path / "queue.sqlite"
    with Receiver(answer) as receiver:
        for run, count in enumerate((30, 75, 45)):
            with start(file, receiver, run, 100_000) as process:
                assert process.stdout is not None
                taken += [process.stdout.readline().strip() for _ in range(count)]
                process.send_signal(signal.SIGKILL)  # in mid-run: what it printed since is taken, too
                taken += process.stdout.read().split()
        with start(file, receiver, 3, 0) as process:
            try:
                receiver.wait("every event", lambda r: set(taken) <= set(r.delivered), 60)
            finally:
                process.send_signal(signal.SIGKILL)
    assert len(taken) == len(set(taken)) >= 150
    order = [key for key in dict.fromkeys(receiver.delivered) if key in set(taken)]
    assert order == taken  # what came twice has come in its place
    twice = sum(count - 1 for count in Counter(receiver.delivered).values())
    assert twice <= 3  # only what was under way when the process was killed
