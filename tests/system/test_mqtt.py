"""The MQTT sink against a real Mosquitto: what stands there, what Home Assistant would make of it, and failures."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from pydantic import SecretStr

from streamer.analytics.rules import Line, Rules
from streamer.errors import ConfigError, StoreError
from streamer.integrations.board import Camera
from streamer.integrations.config import MqttConfig
from streamer.integrations.counts import DayCounts
from streamer.integrations.mqtt import MqttSink
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.types import CameraState
from tests.made_up_events import crossing, encode, status, visit
from tests.system.mosquitto import Listener, Mosquitto
from tests.system.program import eventually
from tests.unit.integrations.home_assistant import check_device_message

pytestmark = pytest.mark.system

PASSWORD = "s3cret of the broker"
RULES = Rules((Line("entrance", (0.5, 1.0), (0.5, 0.0), "came in", "went out"),))
CONFIG = "homeassistant/device/streamer_door/config"


class Telling:
    """Makes sinks, and stops them at the end."""

    def __init__(self) -> None:
        self.health = Health(Metrics())
        self._sinks: list[MqttSink] = []

    def start(self, port: int, *, rules: Rules = RULES, recall: Any = None, **config: Any) -> MqttSink:
        settings = MqttConfig(host="127.0.0.1", port=port, **config)
        sink = MqttSink(
            settings,
            {"door": Camera("Front door", rules)},
            encode=encode,
            health=self.health,
            metrics=Metrics(),
            recall=recall,
        )
        self._sinks.append(sink)
        sink.start()
        sink.status(status(CameraState.LIVE))
        return sink

    def stop(self) -> None:
        for sink in self._sinks:
            assert sink.stop(5)


@pytest.fixture
def telling() -> Iterator[Telling]:
    found = Telling()
    yield found
    found.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as found:
        yield found


def test_whoever_comes_later_finds_figures_but_no_events(telling: Telling, broker: Mosquitto) -> None:
    with Listener(broker.port, "streamer/#") as there:
        sink = telling.start(broker.port)
        sink.event(crossing("1", time.time()))
        sink.event(crossing("2", time.time(), "out"))
        sink.event(visit("v", time.time()))
        sink.occupancy("door", {"": 2})
        there.wait("streamer/door/visits", "1")
        eventually("three events", lambda: len(there.payloads("streamer/door/event")) == 3)
    with Listener(broker.port) as late:
        late.wait("streamer/door/occupancy", "2")
        eventually("the description", lambda: late.newest(CONFIG))
        found = {topic: payload for topic, payload, retained in late.heard if retained}
    check_device_message(CONFIG, json.loads(found.pop(CONFIG)))
    assert found == {
        "streamer/status": "online",
        "streamer/door/state": "live",
        "streamer/door/visits": "1",
        "streamer/door/occupancy": "2",
        "streamer/door/line/entrance/in": "1",
        "streamer/door/line/entrance/out": "1",
    }


def test_each_sensor_of_the_description_has_its_topic_at_the_broker(telling: Telling, broker: Mosquitto) -> None:
    telling.start(broker.port).occupancy("door", {"": 0})
    with Listener(broker.port) as there:
        there.wait("streamer/door/occupancy", "0")
        device = json.loads(eventually("the description", lambda: there.newest(CONFIG)))
        for component in device["components"].values():
            assert there.newest(component["state_topic"]) is not None, component
        assert there.newest(device["availability_topic"]) == "online"


def test_a_broker_that_lost_everything_is_told_again(telling: Telling, broker: Mosquitto) -> None:
    sink = telling.start(broker.port)
    sink.event(crossing("1", time.time()))
    with Listener(broker.port) as there:
        there.wait("streamer/door/line/entrance/in", "1")
    broker.kill()
    eventually("the trouble is told", lambda: "mqtt" in telling.health.degraded)
    broker.start()
    with Listener(broker.port) as there:
        there.wait("streamer/door/line/entrance/in", "1", 15)
        there.wait("streamer/status", "online")
        eventually("the description", lambda: there.newest(CONFIG))
    assert telling.health.degraded == {}


def test_a_home_assistant_that_starts_later_is_told_everything(telling: Telling, broker: Mosquitto) -> None:
    telling.start(broker.port)
    with Listener(broker.port) as home_assistant:
        home_assistant.wait("streamer/status", "online")
        eventually("the description", lambda: home_assistant.newest(CONFIG))
        home_assistant.heard.clear()
        home_assistant.publish("homeassistant/status", "online")
        eventually("the description, again", lambda: home_assistant.newest(CONFIG))
        home_assistant.wait("streamer/door/visits", "0")


def test_a_line_that_was_deleted_between_two_runs_takes_its_sensors_along(telling: Telling, broker: Mosquitto) -> None:
    with Listener(broker.port, CONFIG) as there:
        first = telling.start(broker.port)
        described = json.loads(eventually("the description", lambda: there.newest(CONFIG)))
        assert "line entrance in" in described["components"]
        assert first.stop(5)
        telling.start(broker.port, rules=Rules())
        eventually("a farewell", lambda: any('"line entrance in":{"platform":"sensor"}' in p for p in said(there)))
        eventually("the rest", lambda: "line entrance in" not in (there.newest(CONFIG) or "line entrance in"))


def said(there: Listener) -> list[str]:
    return there.payloads(CONFIG)


def test_rules_that_change_while_it_runs_take_effect_at_once(telling: Telling, broker: Mosquitto) -> None:
    sink = telling.start(broker.port)
    with Listener(broker.port) as there:
        there.wait("streamer/door/line/entrance/in", "0")
        sink.set_rules("door", Rules((Line("gate", (0, 0), (1, 1)),)))
        there.wait("streamer/door/line/gate/in", "0")
        there.wait("streamer/door/line/entrance/in", "")
    with Listener(broker.port) as late:
        late.wait("streamer/door/line/gate/out", "0")
        assert late.newest("streamer/door/line/entrance/in") is None


def test_counts_go_on_from_where_events_are_kept_as_soon_as_they_can_be_had(
    telling: Telling, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streamer.integrations.mqtt._RECALL_SECONDS", 0.2)
    asked: list[tuple[float, float]] = []

    def recall(since: float, until: float) -> dict[str, DayCounts]:
        asked.append((since, until))
        if len(asked) < 3:
            raise StoreError("the database is being restored")
        return {"door": DayCounts(12, {("entrance", "in"): 9})}

    begin = time.time()
    telling.start(broker.port, recall=recall, timezone="UTC").event(crossing("1", time.time()))
    with Listener(broker.port) as there:
        there.wait("streamer/door/line/entrance/in", "10")
        there.wait("streamer/door/visits", "12")
        assert set(there.payloads("streamer/door/visits")) == {"12"}
    assert len(asked) == 3
    since, until = asked[0]
    assert since % 86400 == 0
    assert since <= begin <= until <= begin + 60
    assert caplog.text.count("the database is being restored") == 1


def test_an_end_in_order_says_offline_after_the_last_event(telling: Telling, broker: Mosquitto) -> None:
    sink = telling.start(broker.port)
    with Listener(broker.port, "streamer/#") as there:
        there.wait("streamer/status", "online")
        sink.event(crossing("last", time.time()))
        assert sink.stop(5)
        there.wait("streamer/status", "offline")
        topics = [topic for topic, _, _ in there.heard]
        assert topics.index("streamer/door/event") < len(topics) - 1 - topics[::-1].index("streamer/status")


PROCESS = """
import sys, threading
from streamer.monitoring.health import Health
from streamer.integrations.config import MqttConfig
from streamer.integrations.mqtt import MqttSink
from streamer.monitoring.metrics import Metrics
metrics = Metrics()
config = MqttConfig(host="127.0.0.1", port=int(sys.argv[1]))
MqttSink(config, {}, encode=repr, health=Health(metrics), metrics=metrics).start()
threading.Event().wait()
"""


def test_a_process_that_is_killed_is_offline_by_its_last_will(broker: Mosquitto) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (
        Listener(broker.port, "streamer/status") as there,
        subprocess.Popen([sys.executable, "-c", PROCESS, str(broker.port)], env=environ) as process,
    ):
        try:
            there.wait("streamer/status", "online", 30)
        finally:
            process.send_signal(signal.SIGKILL)
        there.wait("streamer/status", "offline")
    with Listener(broker.port, "streamer/status") as late:
        late.wait("streamer/status", "offline")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that speaks TLS only and asks for a password."""
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=digitalSignature,keyCertSign"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]
    subprocess.run([*openssl, *names, *files], check=True, capture_output=True)
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(users), "shop", PASSWORD], check=True)
    settings = f"certfile {tmp_path}/ca.pem\nkeyfile {tmp_path}/key.pem\npassword_file {users}\n"
    # Started by root it would become somebody else, who can't read these
    with Mosquitto(tmp_path, settings=f"{settings}user root\n") as found:
        yield found


def test_a_guarded_broker_is_told_over_tls(telling: Telling, guarded: Mosquitto, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"

    def set_up(client: paho.Client) -> None:
        client.tls_set(str(ca))
        client.username_pw_set("shop", PASSWORD)

    with Listener(guarded.port, "streamer/#", client=set_up) as there:
        telling.start(guarded.port, tls=True, ca_file=ca, username="shop", password=SecretStr(PASSWORD))
        there.wait("streamer/status", "online")
        there.wait("streamer/door/visits", "0")


def test_a_wrong_password_is_said_and_not_shown(telling: Telling, guarded: Mosquitto, tmp_path: Path) -> None:
    wrong = SecretStr(PASSWORD + "x")
    telling.start(guarded.port, tls=True, ca_file=tmp_path / "ca.pem", username="shop", password=wrong)
    why = eventually("the trouble is told", lambda: telling.health.degraded.get("mqtt"))
    assert "authori" in why.lower()
    assert PASSWORD not in why


def test_a_broker_whose_certificate_nobody_vouches_for_is_not_talked_to(telling: Telling, guarded: Mosquitto) -> None:
    telling.start(guarded.port, tls=True)
    why = eventually("the trouble is told", lambda: telling.health.degraded.get("mqtt"))
    assert "certificate" in why


def test_certificates_that_cant_be_read_are_said_at_the_start(telling: Telling, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.ca_file"):
        telling.start(1, tls=True, ca_file=tmp_path / "none.pem")
    (tmp_path / "empty.pem").touch()
    with pytest.raises(ConfigError, match=r"mqtt\.ca_file"):
        telling.start(1, tls=True, ca_file=tmp_path / "empty.pem")


@pytest.mark.parametrize("tls", [False, True])
def test_a_broker_that_takes_the_connection_and_says_nothing_holds_up_no_stop(telling: Telling, tls: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, accepting(silent) as came:
        sink = telling.start(silent.getsockname()[1], tls=tls)
        assert came(10)
        begin = time.monotonic()
        assert sink.stop(1.5)
        assert time.monotonic() - begin < 2


class accepting:  # noqa: N801 - reads as what it does
    """Takes connections, and keeps them without a word."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._came = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="silent-broker")
        self._connections: list[socket.socket] = []

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._came.set()

    def __enter__(self) -> Callable[[float], bool]:
        self._thread.start()
        return self._came.wait

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        for connection in self._connections:
            connection.close()
