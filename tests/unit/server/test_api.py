"""The HTTP API over made-up cameras: shapes, pictures, probes, metrics and errors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamer.analytics.heat import COLUMNS, ROWS
from streamer.monitoring.parts import camera_part
from streamer.pictures.picture import ArrayPicture
from streamer.redaction import register_secret
from streamer.server.app import create_app
from streamer.server.heat_api import HeatModel
from streamer.server.schemas import CameraModel, StatusModel
from streamer.store.database import Database
from streamer.store.heat import add_heat
from streamer.types import CameraState, Frame, Result
from tests.server_harness import FakeCamera, make_services


class Api:
    """The application over cameras of which `lobby` has delivered one frame."""

    def __init__(self, **overrides: Any) -> None:
        self.services, self.cameras = make_services(**overrides)
        self.cameras["lobby"].state = CameraState.LIVE
        self.cameras["lobby"].publish_one()

    def get(self, path: str, method: str = "GET") -> httpx.Response:
        async def ask() -> httpx.Response:
            app = create_app(self.services)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
            ):
                return await client.request(method, path)

        return asyncio.run(ask())


@pytest.fixture
def server() -> Api:
    return Api()


def test_status_says_what_runs(server: Api) -> None:
    status = StatusModel.model_validate(server.get("/api/v1/status").json())
    assert status.models["detector"]["name"] == "made-up"
    assert (status.privacy, status.viewers) == ("none", {"websocket": 0, "mjpeg": 0})
    assert [camera.id for camera in status.cameras] == list(server.cameras)


def test_cameras_tell_their_state_and_what_became_of_their_frames(server: Api) -> None:
    lobby = server.cameras["lobby"]
    for _ in range(19):
        lobby.publish_one()
    found = {each["id"]: CameraModel.model_validate(each) for each in server.get("/api/v1/cameras").json()}
    assert (found["lobby"].state, found["lobby"].analyzed, found["lobby"].faces) == ("live", 20, 3)
    assert found["lobby"].dropped == {"evicted": 2}
    assert found["lobby"].age_ms is not None
    assert 0 <= found["lobby"].age_ms < 5000
    assert (found["roof"].analyzed, found["roof"].age_ms, found["roof"].resolution) == (0, None, None)
    assert server.get("/api/v1/cameras/lobby").json()["id"] == "lobby"


def test_a_camera_tells_what_its_analysis_is_reduced_to(server: Api) -> None:
    found = {each["id"]: CameraModel.model_validate(each) for each in server.get("/api/v1/cameras").json()}
    reduced = found["entrance"].reduced
    assert reduced is not None
    assert (reduced.max_fps, reduced.detect_width, reduced.readings) == (5.0, 320, 2)
    assert found["lobby"].reduced is None


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", (1280, 720)),
        ("?width=640", (640, 360)),
        ("?width=4096&kind=clean&quality=50", (1280, 720)),
    ],
)
def test_a_snapshot_is_a_jpeg_of_the_wanted_size(server: Api, query: str, size: tuple[int, int]) -> None:
    answer = server.get(f"/api/v1/cameras/lobby/snapshot.jpg{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert (answer.headers["cache-control"], answer.headers["x-frame-seq"]) == ("no-store", "0")
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert (pixels.shape[1], pixels.shape[0]) == size


def test_with_blur_snapshots_are_blurred_also_clean_ones() -> None:
    def edges(server: Api) -> float:
        answer = server.get("/api/v1/cameras/lobby/snapshot.jpg?kind=clean&quality=95")
        pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert pixels is not None
        update = server.services.hub.newest("lobby")
        assert update is not None
        x0, y0, x1, y1 = update.faces[0].astype(int)
        return float(cv2.Laplacian(pixels[y0:y1, x0:x1], cv2.CV_64F).std())

    assert edges(Api(privacy="blur")) < edges(Api()) / 5


def test_a_snapshot_of_a_camera_without_a_fresh_picture_is_refused_with_the_reason(server: Api) -> None:
    none_yet = server.get("/api/v1/cameras/cellar/snapshot.jpg")
    assert (none_yet.status_code, "not delivered" in none_yet.json()["detail"]) == (503, True)
    old = Frame("gate", 0, 0.0, -100.0, 0.0, ArrayPicture(np.zeros((8, 8, 3), np.uint8)))
    server.services.hub.publish(old, Result("gate", 0, 0.0, -100.0, 0.0, (8, 8)))
    stale = server.get("/api/v1/cameras/gate/snapshot.jpg")
    assert (stale.status_code, stale.json()["age"] > 10) == (503, True)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/v1/cameras/nowhere", 404, "/api/v1/cameras lists them"),
        ("/api/v1/cameras/nowhere/stream.mjpg", 404, "nowhere"),
        ("/api/v1/cameras/lobby/snapshot.jpg?width=5", 422, "width"),
        ("/api/v1/cameras/lobby/snapshot.jpg?kind=naked", 422, "kind"),
        ("/api/v1/cameras/lobby/stream.mjpg?max_fps=0", 422, "max_fps"),
        ("/api/v2", 404, "nothing is served"),
    ],
)
def test_errors_are_problem_documents(server: Api, path: str, status: int, words: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document = answer.json()
    assert (document["status"], words in document["detail"]) == (status, True)


def test_an_unexpected_error_tells_nothing_of_itself() -> None:
    server = Api()

    class Broken(ArrayPicture):
        def pixels(self, *_: Any, **__: Any) -> Any:
            raise ValueError("inner details")

    frame = Frame("lobby", 1, 0.0, 1e9, 0.0, Broken(np.zeros((8, 8, 3), np.uint8)))
    server.services.hub.publish(frame, Result("lobby", 1, 0.0, 1e9, 0.0, (8, 8)))
    answer = server.get("/api/v1/cameras/lobby/snapshot.jpg")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "inner details" not in answer.text


def test_ready_only_while_a_camera_is_live(server: Api) -> None:
    assert server.get("/readyz").json() == {"ready": True, "live": ["lobby"], "cameras": 6, "degraded": {}}
    server.cameras["lobby"].state = CameraState.RECONNECTING
    answer = server.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"]["lobby"] == "reconnecting: rtsp://***@10.1.2.3/stream: connection refused"
    assert server.get("/healthz").text == "ok\n"
    assert server.get("/healthz", "HEAD").status_code == 200


def test_a_live_camera_is_not_ready_before_its_first_frame_is_analyzed() -> None:
    server = Api()
    server.cameras["lobby"].state, server.cameras["yard"].state = CameraState.STOPPED, CameraState.LIVE
    answer = server.get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]["yard"]) == (503, "live: none of its frames is analysed yet")
    server.cameras["yard"].publish_one()
    assert server.get("/readyz").json()["live"] == ["yard"]


def test_a_live_camera_whose_frames_all_fail_is_not_ready_and_told_in_either_answer(server: Api) -> None:
    server.cameras["yard"].state = CameraState.LIVE
    server.cameras["yard"].publish_one()
    problem = "none of its frames is analysed: the net is ill"
    server.services.health.report(camera_part("lobby"), problem)
    answer = server.get("/readyz")
    assert (answer.status_code, answer.json()["live"]) == (200, ["yard"])
    assert answer.json()["degraded"] == {"camera lobby": problem}
    server.services.health.report("store", "locked")
    server.cameras["yard"].state = CameraState.STALLED
    answer = server.get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]["lobby"]) == (503, f"live: {problem}")
    assert answer.json()["degraded"] == {"camera lobby": problem, "store": "locked"}
    assert server.get("/api/v1/status").json()["degraded"] == answer.json()["degraded"]
    server.services.health.report(camera_part("lobby"), None)
    assert server.get("/readyz").json()["live"] == ["lobby"]


def test_metrics_can_be_parsed_and_tell_of_each_camera(server: Api) -> None:
    server.get("/api/v1/cameras/lobby/snapshot.jpg")
    answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    [captured] = [sample for sample in families["streamer_frames_captured"].samples if sample.name.endswith("_total")]
    assert (captured.labels, captured.value) == ({"camera": "lobby"}, 1.0)
    stages = {sample.labels.get("stage") for sample in families["streamer_stage_duration_seconds"].samples}
    assert {"annotate", "encode"} <= stages
    assert families["streamer_stage_duration_seconds"].type == "histogram"
    assert "streamer_build_info" in answer.text


def test_no_answer_holds_a_secret() -> None:
    register_secret("s3cret/of:the#cellar")

    class Leaky(FakeCamera):
        def status(self) -> Any:
            found = super().status()
            reason = "401 from rtsp://admin:s3cret/of:the#cellar@10.0.0.9/ (s3cret%2Fof%3Athe%23cellar)"
            return type(found)(**{field: getattr(found, field) for field in found.__slots__} | {"reason": reason})

    server = Api()
    cellar = server.cameras["cellar"]
    cellar.__class__ = Leaky
    for path in ("/api/v1/status", "/api/v1/cameras", "/api/v1/cameras/cellar", "/readyz", "/metrics"):
        server.cameras["lobby"].state = CameraState.STOPPED
        text = server.get(path).text
        assert "s3cret" not in text, path
    assert "rtsp://***@10.0.0.9/" in server.get("/api/v1/cameras/cellar").text


def test_the_openapi_document_names_every_public_route_and_its_page_needs_no_script(server: Api) -> None:
    document = server.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/analyze",
        "/api/v1/analyze",
        "/api/v1/status",
        "/api/v1/cameras",
        "/api/v1/cameras/{camera_id}",
        "/api/v1/cameras/{camera_id}/heat",
        "/api/v1/cameras/{camera_id}/rules",
        "/api/v1/dwell",
        "/api/v1/events",
        "/api/v1/footfall",
        "/api/v1/occupancy",
        "/api/v1/ticket",
        "/api/v1/visits",
        "/api/v1/cameras/{camera_id}/snapshot.jpg",
        "/api/v1/cameras/{camera_id}/stream.mjpg",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    page = server.get("/docs").text
    assert all(path in page for path in document["paths"])
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_every_answer_has_the_security_headers(server: Api) -> None:
    for path in ("/", "/docs", "/api/v1/status", "/nowhere", "/healthz"):
        headers = server.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_heat_map_tells_where_faces_were_and_since_when() -> None:
    server = Api()
    asked: list[tuple[str, float, float]] = []

    def heat(camera: str, begin: float, end: float) -> Any:
        asked.append((camera, begin, end))
        return np.eye(ROWS, COLUMNS, dtype=np.float32)

    server.services = replace(server.services, heat=heat)
    found = HeatModel.model_validate(server.get("/api/v1/cameras/lobby/heat?from=3600&to=7200").json())
    assert asked == [("lobby", 3600.0, 7200.0)]
    assert (len(found.seconds), {len(row) for row in found.seconds}) == (found.rows, {found.columns})
    assert (found.seconds[1][:3], found.since) == ([0.0, 1.0, 0.0], round(server.services.started_at, 3))
    assert server.get("/api/v1/cameras/nowhere/heat").status_code == 404
    for wrong in ("from=nan", "to=inf", "to=-1", "from=1e30"):
        assert server.get(f"/api/v1/cameras/lobby/heat?{wrong}").status_code == 422, wrong


def test_the_heat_map_adds_what_is_kept_to_what_is_to_be(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    server = Api()
    ones = np.ones((ROWS, COLUMNS), np.float32)
    server.services = replace(server.services, heat=lambda *_: ones, database=database)
    assert server.get("/api/v1/cameras/lobby/heat").status_code == 503  # not open yet
    database.open()
    with database.write() as connection:
        add_heat(connection, {("lobby", hour): ones * hour for hour in (3600, 7200, 10800)})
    found = server.get("/api/v1/cameras/lobby/heat?from=7200&to=10801").json()
    assert (found["seconds"], found["since"]) == ([[18001.0] * COLUMNS] * ROWS, 3600.0)
    database.close()
