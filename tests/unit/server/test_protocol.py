"""The wire: what is understood, what is refused and how, and that pictures and results come out as they went in."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import ProtocolError
from streamer.redaction import register_secret
from streamer.server import protocol
from streamer.server.encoding import result_body
from streamer.types import (
    CameraState,
    CameraStatus,
    Event,
    EventKind,
    FaceReading,
    Result,
    Track,
)

LANDMARKS = np.zeros((5, 2), np.float32)


def track(**changes: Any) -> Track:
    values: dict[str, Any] = {
        "id": 7,
        "box": (100.04, 50.0, 180.0, 150.0),
        "landmarks": LANDMARKS,
        "score": 0.9,
        "first_seen": 90.0,
        "last_seen": 100.0,
        "age": 28.4,
        "age_low": 25.1,
        "age_high": 31.6,
        "gender": "female",
        "gender_confidence": 0.97,
        "samples": 4,
        "reading": FaceReading(30.0, 5.5, 0.91, 0.8),
    }
    return Track(**{**values, **changes})


def result(*tracks: Track) -> Result:
    return Result("lobby", 12, 3.5, 100.0, 1_700_000_000.0, (640, 480), tracks=tracks, timings={"detect": 5.512})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"ping","t":5}', protocol.Ping(type="ping", t=5)),
        ('{"type":"ping","t":5.5}', protocol.Ping(type="ping", t=5.5)),
        # every key but the type has a default: all cameras, results only
        ('{"type":"subscribe"}', protocol.Subscribe(type="subscribe")),
        (
            '{"type":"subscribe","cameras":["a","b"],"frames":"clean","max_fps":5,"width":640,"quality":70,"events":false}',
            protocol.Subscribe(
                type="subscribe",
                cameras=("a", "b"),
                frames="clean",
                max_fps=5,
                width=640,
                quality=70,
                events=False,
            ),
        ),
        # null is how a program says "no limit"
        ('{"type":"subscribe","max_fps":null,"width":null}', protocol.Subscribe(type="subscribe")),
        # nothing at all may be wanted
        ('{"type":"subscribe","cameras":[]}', protocol.Subscribe(type="subscribe", cameras=())),
    ],
)
def test_messages_that_are_understood(text: str, expected: protocol.ClientMessage) -> None:
    assert protocol.parse_client_message(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "malformed", "not empty"),
        ("{", "malformed", "not JSON"),
        ("[]", "malformed", "object"),
        ("NaN", "malformed", "not JSON"),
        ("[" * 20_000, "malformed", "not JSON"),
        ("{}", "unknown_type", "subscribe, ping"),
        ('{"type":["ping"]}', "unknown_type", "subscribe, ping"),
        ('{"type":"hello"}', "unknown_type", "'hello'"),
        ('{"type":"ping"}', "invalid", "t: missing"),
        ('{"type":"ping","t":"5"}', "invalid", "t: "),
        ('{"type":"ping","t":1e999}', "invalid", "t: input should be a finite number"),
        ('{"type":"subscribe","camera":"a"}', "invalid", "camera: unknown key"),
        ('{"type":"subscribe","cameras":"a"}', "invalid", "cameras: "),
        ('{"type":"subscribe","cameras":[1]}', "invalid", "cameras"),
        ('{"type":"subscribe","frames":"both"}', "invalid", "frames: "),
        ('{"type":"subscribe","max_fps":0}', "invalid", "max_fps: input should be greater than 0, found 0"),
        ('{"type":"subscribe","max_fps":"5"}', "invalid", "max_fps: "),
        ('{"type":"subscribe","width":12.5}', "invalid", "width: "),
        ('{"type":"subscribe","width":63}', "invalid", "width: "),
        ('{"type":"subscribe","quality":101}', "invalid", "quality: "),
        ('{"type":"subscribe","quality":true}', "invalid", "quality: "),
        ('{"type":"subscribe","events":1}', "invalid", "events: "),
    ],
)
def test_messages_that_are_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.parse_client_message(text)
    assert (caught.value.code, words in str(caught.value)) == (code, True), str(caught.value)
    assert len(str(caught.value)) < 300  # never an echo of all that was sent


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
keys = st.sampled_from(["type", "cameras", "frames", "max_fps", "width", "quality", "events", "t"])


@given(st.text() | st.dictionaries(keys, json_values | st.sampled_from(["subscribe", "ping", "*"])).map(json.dumps))
def test_whatever_is_sent_is_understood_or_refused_as_a_protocol_error(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(protocol.parse_client_message(text), protocol.Subscribe | protocol.Ping)


def test_a_result_has_the_shape_of_dl_streamers_converter() -> None:
    document = json.loads(protocol.encode_result(result(track()), model="dlib", age_ms=41.26))
    [face] = document.pop("objects")
    assert document == {
        "type": "result",
        "age_ms": 41.3,
        "camera": "lobby",
        "seq": 12,
        "pts": 3.5,
        "timestamp": 1_700_000_000.0,
        "resolution": {"width": 640, "height": 480},
        "timings": {"detect": 5.51},
        "occupancy": {},
    }
    assert face == {
        "id": 7,
        "roi_type": "face",
        "x": 100.0,
        "y": 50.0,
        "w": 80.0,
        "h": 100.0,
        "static": False,
        "counted": True,
        "detection": {
            "label": "face",
            "confidence": 0.9,
            "bounding_box": {"x_min": 0.15631, "y_min": 0.10417, "x_max": 0.28125, "y_max": 0.3125},
        },
        "age": {"label": "25-32", "years": 28.4, "low": 25.1, "high": 31.6, "samples": 4, "model": {"name": "dlib"}},
        "gender": {"label": "female", "confidence": 0.97, "model": {"name": "dlib"}},
        "raw": {"age": 30.0, "age_spread": 5.5, "p_female": 0.91, "quality": 0.8},
        # first seen 10 s before the frame, on the camera's timeline
        "since": 1_699_999_990.0,
        "tracked": True,
    }


def test_a_face_without_a_look_has_no_age_and_an_unknown_gender() -> None:
    unseen = track(age=None, age_low=None, age_high=None, gender="unknown", samples=0, reading=None, last_seen=99.5)
    [face] = json.loads(protocol.encode_result(result(unseen), model="m", age_ms=0))["objects"]
    assert (face["age"], face["raw"], face["gender"]["label"], face["tracked"]) == (None, None, "unknown", False)


coordinate = st.floats(-2000, 3000, width=32)


@given(coordinate, coordinate, st.floats(0, 2000, width=32), st.floats(0, 2000, width=32))
def test_a_box_on_the_wire_lies_within_the_picture(x: float, y: float, w: float, h: float) -> None:
    outside = track(box=(np.float32(x), np.float32(y), np.float32(x + w), np.float32(y + h)))
    [face] = json.loads(protocol.encode_result(result(outside), model="m", age_ms=0))["objects"]
    assert 0 <= face["x"] <= face["x"] + face["w"] <= 640.05
    assert 0 <= face["y"] <= face["y"] + face["h"] <= 480.05
    box = face["detection"]["bounding_box"]
    assert 0 <= box["x_min"] <= box["x_max"] <= 1
    assert 0 <= box["y_min"] <= box["y_max"] <= 1


@given(st.binary(max_size=200), st.floats(0, 1e6))
def test_a_picture_comes_out_as_it_went_in(jpeg: bytes, age_ms: float) -> None:
    header = protocol.finish_result(result_body(result(track()), "dlib"), age_ms)
    found, found_jpeg = protocol.split_picture(protocol.encode_picture(header, jpeg))
    assert found == json.loads(header)
    assert found_jpeg == jpeg


@given(st.binary(max_size=200), st.floats(0, 1e6))
def test_a_message_in_two_parts_is_the_whole_message(jpeg: bytes, age_ms: float) -> None:
    body = result_body(result(track()), "dlib")
    parts = protocol.picture_start(body, age_ms) + protocol.picture_rest(body, jpeg)
    assert parts == protocol.encode_picture(protocol.finish_result(body, age_ms), jpeg)


@given(st.binary(max_size=40))
def test_a_damaged_picture_is_a_protocol_error(message: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        header, _ = protocol.split_picture(message)
        assert isinstance(header, dict)


def test_an_event_carries_its_face_and_rule() -> None:
    event = Event(
        EventKind.LINE_CROSSED, "lobby", 1_700_000_000.5, track(), "door", "in", {"label": "came in"}, "k", "v"
    )
    document = json.loads(protocol.encode_event(event, model="dlib"))
    face = document.pop("object")
    assert document == {
        "type": "event",
        "kind": "line_crossed",
        "camera": "lobby",
        "timestamp": 1_700_000_000.5,
        "rule": "door",
        "direction": "in",
        "data": {"label": "came in"},
        "key": "k",
        "visit": "v",
    }
    assert (face["id"], face["age"]["label"], face["duration"]) == (7, "25-32", 10.0)


def test_hello_and_errors_are_redacted() -> None:
    register_secret("hunter22-of-the-lobby")
    status = CameraStatus(
        "lobby",
        "Lobby",
        "rtsp://***@10.0.0.1/",
        CameraState.RECONNECTING,
        1.0,
        reason="401 for rtsp://admin:a@b:/#%@10.0.0.1/ with hunter22-of-the-lobby",
    )
    hello = protocol.encode_hello([status], privacy="blur", role="viewer", session=True)
    document = json.loads(hello)
    assert document["cameras"][0]["reason"] == "401 for rtsp://***@10.0.0.1/ with ***"
    assert (document["version"], document["privacy"], document["role"]) == (1, "blur", "viewer")
    assert document["session"] is True
    assert "hunter22" not in protocol.encode_error("invalid", "hunter22-of-the-lobby")


def test_a_pong_returns_the_number() -> None:
    assert json.loads(protocol.encode_pong(1_700_000_000_123)) == {"type": "pong", "t": 1_700_000_000_123}
