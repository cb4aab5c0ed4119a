"""Debian's Mosquitto, for tests: a broker on the loopback that can be killed, and comes back on the same port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.requirements import require
from tests.system.program import eventually

__all__ = ["Listener", "Mosquitto"]

_BINARY = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Mosquitto:
    """Runs while the context is open; what it retains does not outlive it, as it keeps nothing on disk."""

    def __init__(self, folder: Path, *, settings: str = "allow_anonymous true\n") -> None:
        require(_BINARY is not None, "mosquitto")
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = int(sock.getsockname()[1])
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} 127.0.0.1\n{settings}", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it listens."""
        assert _BINARY is not None
        self._process = subprocess.Popen([_BINARY, "-c", str(self._file)], stderr=subprocess.DEVNULL)
        eventually("mosquitto listens", self._listens)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """Gone without a word, with all that it retained."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


class Listener:
    """Another client of the broker: what it would find retained, and all that it hears, in order."""

    def __init__(self, port: int, *topics: str, client: Callable[[paho.Client], None] = lambda _: None) -> None:
        """client: sets up the client before it connects (TLS, password)."""
        self.heard: list[tuple[str, str, bool]] = []
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        client(self._client)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda c, *_: c.subscribe([(topic, 1) for topic in topics or ("#",)])
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with self._lock:
            self.heard.append((message.topic, message.payload.decode(), message.retain))

    def newest(self, topic: str) -> str | None:
        """The last payload heard under a topic."""
        with self._lock:
            return next((payload for name, payload, _ in reversed(self.heard) if name == topic), None)

    def payloads(self, topic: str) -> list[str]:
        """All payloads heard under a topic."""
        with self._lock:
            return [payload for name, payload, _ in self.heard if name == topic]

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """As another program would; returns when the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def wait(self, topic: str, payload: str, seconds: float = 10.0) -> None:
        """Until this is the newest payload of a topic."""
        eventually(f"{topic} is {payload}, not {self.newest(topic)}", lambda: self.newest(topic) == payload, seconds)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._subscribed.wait(5), "no subscription at the broker"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        del self._client  # it closes its sockets when it is collected
