"""`streamer run`: from real RTSP cameras to a websocket client, in a process of its own."""

from __future__ import annotations

import asyncio
import signal
import time
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import av
import pytest

from streamer.capture.demo import demo_scene
from streamer.client import EventMessage, Message, Picture, ResultMessage, connect
from streamer.config import ModelsConfig
from streamer.inference.model_store import ModelStore
from tests.system.program import Program, eventually, weights
from tests.system.rtsp_server import RtspServer

pytestmark = [pytest.mark.system, pytest.mark.models]

# With everything that can break a URL, and a mark to search for
PASSWORD = "s3cr@t:/#%marked"
ENCODED = "s3cr%40t%3A%2F%23%25marked"

QUICK = {"reconnect_min": 0.2, "reconnect_max": 1.0, "stall_timeout": 2.0, "open_timeout": 3.0}


@pytest.fixture(scope="session")
def scene() -> Path:
    """The demo scene as a file: real faces in H.264, with a key frame a second."""
    return demo_scene(ModelStore(ModelsConfig.model_validate(weights())))


def in_h265(clip: Path, out: Path, *, seconds: int) -> Path:
    """The first seconds of a clip, encoded as a camera does it: no B-frames, a key frame a second."""
    parameters = "log-level=none:bframes=0:keyint=25"
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = target.add_stream("libx265", rate=25, options={"preset": "ultrafast", "x265-params": parameters})
        pictures = source.streams.video[0]
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        for frame in islice(source.decode(pictures), 25 * seconds):
            frame.pict_type = 0  # the encoder decides
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return out


def cameras(server: RtspServer, *names: str, **more: Any) -> dict[str, Any]:
    return {"cameras": [{"id": name, "source": server.url(name), **QUICK, **more} for name in names]}


async def collect(
    url: str, wanted: dict[str, int], *, frames: Literal["annotated", "none"] = "none", seconds: float = 30
) -> list[Message]:
    """Messages until each camera has brought so many results with at least two faces."""
    left = dict(wanted)
    messages: list[Message] = []
    async with asyncio.timeout(seconds), connect(url, cameras="*", frames=frames) as stream:
        async for message in stream:
            messages.append(message)
            result = message.result if isinstance(message, Picture) else message
            if isinstance(result, ResultMessage) and len(result.objects) >= 2 and result.camera in left:
                left[result.camera] -= 1
                if left[result.camera] <= 0:
                    del left[result.camera]
            if not left:
                break
    return messages


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_faces_before_a_camera_arrive_at_a_client(tmp_path: Path, scene: Path, codec: str) -> None:
    clip = scene if codec == "h264" else in_h265(scene, tmp_path / "scene.mp4", seconds=6)
    with RtspServer({"door": clip}, codec=codec) as server, Program(tmp_path, cameras(server, "door")) as program:  # type: ignore[arg-type]
        messages = asyncio.run(collect(program.url, {"door": 20}, frames="annotated"))
        assert program.camera("door")["codec"] == {"h264": "h264", "h265": "hevc"}[codec]
    pictures = [m for m in messages if isinstance(m, Picture)]
    assert all(p.jpeg.startswith(b"\xff\xd8") and p.jpeg.endswith(b"\xff\xd9") for p in pictures)
    seqs = [p.result.seq for p in pictures]
    assert seqs == sorted(set(seqs))
    assert any(isinstance(m, EventMessage) and m.kind == "visit_started" for m in messages)
    settled = [o for p in pictures for o in p.result.objects if o["age"]]
    assert settled
    assert all(o["gender"]["label"] in {"female", "male", "unknown"} for o in settled)


def test_four_cameras_at_once(tmp_path: Path, scene: Path) -> None:
    names = [f"camera{n}" for n in range(4)]
    with RtspServer(dict.fromkeys(names, scene)) as server, Program(tmp_path, cameras(server, *names)) as program:
        messages = asyncio.run(collect(program.url, dict.fromkeys(names, 10)))
        for name in names:
            assert program.camera(name)["state"] == "live"
    assert {m.camera for m in messages if isinstance(m, ResultMessage)} == set(names)


def test_a_camera_whose_server_was_killed_is_live_within_5_s_of_its_return(tmp_path: Path, scene: Path) -> None:
    with RtspServer({"door": scene}) as server, Program(tmp_path, cameras(server, "door")) as program:
        program.wait_for_state("door", "live", 15)
        server.kill()
        program.wait_for_state("door", "reconnecting", 8)
        assert program.camera("door")["reason"]
        assert not program.is_ready()
        server.start()
        assert program.wait_for_state("door", "live", 8) <= 5
        assert program.camera("door")["reconnects"] >= 1
        asyncio.run(collect(program.url, {"door": 3}))


def test_a_password_reaches_the_camera_and_nothing_else(tmp_path: Path, scene: Path) -> None:
    with RtspServer({"door": scene}, user="viewer", password=PASSWORD) as server:
        config = cameras(server, "door", username="viewer", password="${DOOR_PASSWORD}")
        config["cameras"].append({**config["cameras"][0], "id": "refused", "password": PASSWORD + "x"})
        inside = server.url("door").replace("//", f"//viewer:{ENCODED}@")
        config["cameras"].append({"id": "inside", "source": inside, **QUICK})
        config["log"] = {"level": "debug", "libraries": True}
        with Program(tmp_path, config, environ={"DOOR_PASSWORD": PASSWORD}) as program:
            program.wait_for_state("door", "live", 15)
            program.wait_for_state("inside", "live", 15)
            program.wait_for_state("refused", "reconnecting", 15)
            assert "password" in program.camera("refused")["reason"]
            messages = asyncio.run(collect(program.url, {"door": 1}))
            paths = ["/api/v1/status", "/api/v1/cameras", "/api/v1/cameras/refused", "/metrics", "/healthz", "/"]
            said = [program.text(path) for path in paths] + [repr(m) for m in messages]
        said += program.log
    text = "\n".join(said)
    for secret in (PASSWORD, ENCODED, "marked"):
        assert secret not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_within_5_s_with_exit_code_0(
    tmp_path: Path, scene: Path, number: signal.Signals
) -> None:
    with RtspServer({"door": scene}) as server:
        config = cameras(server, "door")
        config["cameras"].append({"id": "dead", "source": "rtsp://127.0.0.1:9/x", **QUICK})
        with Program(tmp_path, config) as program:
            program.wait_for_state("door", "live", 15)
            begin = time.monotonic()
            program.signal(number)
            assert program.wait(8) == 0
            assert time.monotonic() - begin < 5
    assert not any("Traceback" in line for line in program.log)


def test_a_camera_frozen_in_mid_stream_is_said_to_be_stalled_and_stopping_stays_bounded(
    tmp_path: Path, scene: Path
) -> None:
    with RtspServer({"door": scene}) as server, Program(tmp_path, cameras(server, "door")) as program:
        program.wait_for_state("door", "live", 15)
        server.freeze()
        seen: set[str] = set()
        eventually("stalled or reconnecting", lambda: _note(program, seen) & {"stalled", "reconnecting"}, 8)
        begin = time.monotonic()
        program.signal(signal.SIGTERM)
        assert program.wait(8) == 0
        assert time.monotonic() - begin < 6
        server.thaw()


def _note(program: Program, seen: set[str]) -> set[str]:
    seen.add(program.camera("door")["state"])
    return seen


def test_the_configuration_of_the_repository_shows_the_demo(tmp_path: Path) -> None:
    with Program(tmp_path, {"cameras": [{"id": "demo", "name": "Demo", "source": "demo"}]}) as program:
        messages = asyncio.run(collect(program.url, {"demo": 5}, frames="annotated", seconds=60))
        assert program.camera("demo")["name"] == "Demo"
        assert "<title>" in program.text("/")
    assert any(isinstance(m, Picture) for m in messages)
