"""The Grafana dashboard and the Prometheus configuration in deploy/, against what a running streamer exposes."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client import Metric

from streamer.client import Picture, connect
from streamer.monitoring.metrics import Metrics
from tests.system.program import Program, eventually, weights
from tests.system.prometheus import Prometheus
from tests.system.rtsp_server import free_port
from tests.weights import weights as file_of

pytestmark = [pytest.mark.system, pytest.mark.models]

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TOKEN = "a-token-of-the-tests-0123456789"
# What Grafana puts in place of its variables
VARIABLES = {"$__rate_interval": "15s", "$__range": "1m", "$instance": ".*", "$camera": ".*"}
# What is counted only when something goes wrong
MAY_BE_EMPTY = {
    "streamer_face_reading_failures_total",
    "streamer_viewer_pictures_replaced_total",
    "streamer_viewers_evicted_total",
    "streamer_events_dropped_total",
}


class Query(NamedTuple):
    """One query of the dashboard."""

    panel: str
    expression: str

    @property
    def metrics(self) -> set[str]:
        """The names of the metrics in it."""
        return set(re.findall(r"\bstreamer_\w+", self.expression))

    @property
    def filled_in(self) -> str:
        """As Grafana would ask it."""
        text = self.expression
        for name, value in VARIABLES.items():
            text = text.replace(name, value)
        return text


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DEPLOY / "grafana" / "streamer.json").read_text(encoding="utf-8"))
    return document


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


QUERIES = [Query(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def exposed() -> dict[str, set[str]]:
    """The label names of every metric by the name of its samples."""
    families = {family.name: family for family in Metrics().registry.collect()}
    return {
        name: set(labels) | {"instance", "job"}
        for family in families.values()
        for name, labels in _samples(family, _label_names(family.name))
    }


def _label_names(name: str) -> tuple[str, ...]:
    for collector in vars(Metrics()).values():
        if getattr(collector, "_name", None) == name:
            labels: tuple[str, ...] = collector._labelnames
            return labels
    return ("version",)  # streamer_build


def _samples(family: Metric, labels: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if family.type == "histogram":
        yield f"{family.name}_bucket", (*labels, "le")
        yield f"{family.name}_sum", labels
        yield f"{family.name}_count", labels
    else:
        yield family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""), labels


def test_every_query_names_metrics_and_labels_that_there_are() -> None:
    known = exposed()
    for query in QUERIES:
        metrics = re.findall(r"\b(streamer_\w+)(?:\{([^}]*)\})?", query.expression)
        assert metrics, query
        labels = set[str]()
        for name, selector in metrics:
            assert name in known, f"{query.panel}: no metric {name}"
            assert set(re.findall(r"(\w+)\s*=~?", selector)) <= known[name], query
            labels |= known[name]
        for grouped in re.findall(r"by \(([^)]*)\)", query.expression):
            assert {label.strip() for label in grouped.split(",")} <= labels, query


def test_panels_are_titled_explained_and_lie_side_by_side() -> None:
    taken = set[tuple[int, int]]()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert all(panel["title"] and panel["description"] for panel in panels())
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_compose_mounts_what_there_is_and_pins_its_images() -> None:
    root = DEPLOY.parent
    services = yaml.safe_load((root / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("prometheus", "grafana"):
        service = services[name]
        assert service["profiles"] == ["monitoring"]
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("./") or (root / source).exists(), volume
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/streamer.yaml").read_text(encoding="utf-8"))
    folder = provider["providers"][0]["options"]["path"]
    assert any(volume.split(":")[1] == f"{folder}/streamer.json" for volume in services["grafana"]["volumes"])


def scrape_config(folder: Path, address: str) -> Path:
    """deploy/prometheus/prometheus.yml, with the address and the token of the test's server, and in more of a hurry."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert job["authorization"]["credentials_file"] == "/run/secrets/streamer_token"
    (folder / "token").write_text(TOKEN)
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"] = [{"targets": [address]}]
    config["global"]["scrape_interval"] = "1s"
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


class Traffic(threading.Thread):
    """Somebody watches, and sends the same two photographs again and again, and something that is none."""

    def __init__(self, url: str, photograph: bytes) -> None:
        super().__init__(name="traffic")
        self._url = url
        self._photograph = photograph
        self._ended = threading.Event()

    def run(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        sent = 0
        async with connect(self._url, cameras="*", frames="annotated", token=TOKEN) as stream:
            async for message in stream:
                if isinstance(message, Picture):
                    sent += 1
                    if sent % 10 == 1:
                        # bytes after the end of a JPEG change nothing but the cache's key
                        image = b"no image" if sent % 100 == 1 else self._photograph + bytes([sent // 10 % 40])
                        await asyncio.to_thread(self._analyze, image)
                if self._ended.is_set():
                    return

    def _analyze(self, image: bytes) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "image/jpeg"}
        request = urllib.request.Request(f"{self._url}/analyze", data=image, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            error.close()

    def stop(self) -> None:
        """Returns when it has ended."""
        self._ended.set()
        self.join(30)


def test_prometheus_answers_every_query_of_the_dashboard(tmp_path: Path) -> None:
    cameras = [
        {"id": "film", "source": str(file_of("demo-woman"))},
        {"id": "gone", "source": f"rtsp://127.0.0.1:{free_port()}/x", "reconnect_min": 0.2, "reconnect_max": 0.5},
    ]
    config = {"cameras": cameras, "server": {"auth": {"token": TOKEN}}, "models": weights()}
    with Program(tmp_path, config) as program:
        traffic = Traffic(program.url, file_of("demo-crowd").read_bytes())
        traffic.start()
        try:
            address = program.url.removeprefix("http://")
            with Prometheus(scrape_config(tmp_path, address), tmp_path / "data") as prometheus:
                assert_all_exposed(program)
                eventually("it is scraped", lambda: prometheus.values("sum(up)") == [1], 30)
                assert_all_answered(prometheus)
        finally:
            traffic.stop()


def assert_all_exposed(program: Program) -> None:
    """Every metric of the dashboard is among those that the server tells of, counted yet or not."""
    request = urllib.request.Request(f"{program.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", answer.read().decode(), re.MULTILINE))
    for name in set[str]().union(*(query.metrics for query in QUERIES)):
        family = re.sub("_(bucket|sum|count)$", "", name)
        assert types.get(name) in {"counter", "gauge"} or types.get(family) == "histogram", name


def assert_all_answered(prometheus: Prometheus) -> None:
    """Every query is understood; those of panels that must show something do so, in time."""
    unanswered = list(QUERIES)

    def ask() -> bool:
        unanswered[:] = [query for query in unanswered if not prometheus.values(query.filled_in)]
        return all(query.metrics <= MAY_BE_EMPTY for query in unanswered)

    try:
        eventually("every panel has data", ask, 60)
    except AssertionError:
        raise AssertionError(f"without data: {[query.filled_in for query in unanswered]}") from None
    assert prometheus.values('sum(streamer_camera_up{camera="film"})') == [1]
    assert prometheus.values('sum(streamer_camera_up{camera="gone"})') == [0]
    (ratio,) = [query for query in QUERIES if query.panel == "Cache hit ratio"]
    assert all(0 <= value <= 1 for value in prometheus.values(ratio.filled_in))
