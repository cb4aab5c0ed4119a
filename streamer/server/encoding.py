"""The records as JSON values, in the shape that DL Streamer's metadata converter made the field's habit."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from streamer.inference.reductions import FULL, Reduction
from streamer.types import CameraStatus, Event, Result, Track

__all__ = ["camera_object", "event_object", "reduction_object", "result_body", "result_object"]

_JUST_SEEN = 1e-6  # seconds; a track seen in this frame has the frame's own time


def result_body(result: Result, model: str) -> bytes:
    """`result_object` as JSON."""
    return to_json(result_object(result, model), inf_nan_mode="null")


def result_object(result: Result, model: str) -> dict[str, Any]:
    """All of a `result` but its type and age. model: the name of the net that reads age and gender."""
    width, height = result.size
    # From the camera's timeline to UTC
    offset = result.wall_time - result.captured_at
    return {
        "camera": result.camera,
        "seq": result.seq,
        "pts": round(result.pts, 3),
        "timestamp": round(result.wall_time, 3),
        "resolution": {"width": width, "height": height},
        "timings": {stage: round(float(ms), 2) for stage, ms in result.timings.items()},
        "occupancy": dict(result.occupancy),
        "objects": [
            _tracked(track, result.size, model)
            | {
                "since": round(track.first_seen + offset, 3),
                "tracked": track.last_seen >= result.captured_at - _JUST_SEEN,
            }
            for track in result.tracks
        ],
    }


def event_object(event: Event, model: str) -> dict[str, Any]:
    """All of an `event` but its type. Its object has no fractions, as an event knows no frame."""
    track = event.track
    return {
        "kind": event.kind.value,
        "camera": event.camera,
        "timestamp": round(event.at, 3),
        "rule": event.rule,
        "direction": event.direction,
        "object": None
        if track is None
        else {**_face(track, model), "duration": round(track.last_seen - track.first_seen, 3)},
        "data": dict(event.data),
        "key": event.key,
        "visit": event.visit,
    }


def camera_object(status: CameraStatus) -> dict[str, Any]:
    """A camera and where its reader stands. Times are UTC seconds."""
    return {
        "id": status.camera,
        "name": status.name,
        "source": status.source,
        "state": status.state.value,
        "since": round(status.since, 3),
        "reason": status.reason,
        "next_attempt_at": None if status.next_attempt_at is None else round(status.next_attempt_at, 3),
        "codec": status.codec,
        "resolution": None if status.size is None else {"width": status.size[0], "height": status.size[1]},
        "fps": round(status.fps, 2),
        "lag_ms": round(status.lag * 1000),
        "frames": status.frames,
        "corrupt": status.corrupt,
        "reconnects": status.reconnects,
    }


def reduction_object(reduction: Reduction | None) -> dict[str, Any] | None:
    """How a camera is analysed that is reduced under the load, else None. What is as configured is None."""
    if reduction is None or not reduction.level:
        return None
    readings = reduction.effort.most_readings
    return {
        "level": reduction.level,
        "look_interval": reduction.effort.look_interval or None,
        "deblock": None if reduction.deblock else False,
        "max_fps": reduction.max_fps,
        "detect_width": reduction.effort.detect_width,
        "readings": readings if readings < FULL.effort.most_readings else None,
    }


def _tracked(track: Track, size: tuple[int, int], model: str) -> dict[str, Any]:
    """A face in a frame of this size, width and height; its box is cut at the picture's edge."""
    width, height = size
    x0, y0, x1, y1 = track.box
    x0, x1 = min(max(float(x0), 0.0), width), min(max(float(x1), 0.0), width)
    y0, y1 = min(max(float(y0), 0.0), height), min(max(float(y1), 0.0), height)
    face = _face(track, model)
    face.update(x=round(x0, 1), y=round(y0, 1), w=round(x1 - x0, 1), h=round(y1 - y0, 1))
    face["detection"]["bounding_box"] = {
        "x_min": round(x0 / width, 5),
        "y_min": round(y0 / height, 5),
        "x_max": round(x1 / width, 5),
        "y_max": round(y1 / height, 5),
    }
    return face


def _face(track: Track, model: str) -> dict[str, Any]:
    x0, y0, x1, y1 = track.box
    return {
        "id": track.id,
        "roi_type": "face",
        "x": round(float(x0), 1),
        "y": round(float(y0), 1),
        "w": round(float(x1) - float(x0), 1),
        "h": round(float(y1) - float(y0), 1),
        "static": track.static,
        "counted": track.counted,
        "detection": {"label": "face", "confidence": round(float(track.score), 4)},
        "age": _age(track, model),
        "gender": {
            "label": track.gender_label,
            "confidence": round(float(track.gender_confidence), 4),
            "model": {"name": model},
        },
        "raw": _raw(track),
    }


def _age(track: Track, model: str) -> dict[str, Any] | None:
    """None before the first usable look."""
    if track.age is None:
        return None
    low = track.age if track.age_low is None else track.age_low
    high = track.age if track.age_high is None else track.age_high
    return {
        "label": track.age_label,
        "years": round(float(track.age), 1),
        "low": round(float(low), 1),
        "high": round(float(high), 1),
        "samples": track.samples,
        "model": {"name": model},
    }


def _raw(track: Track) -> dict[str, float] | None:
    """The newest single look, unsmoothed; None before the first."""
    look = track.reading
    if look is None:
        return None
    return {
        "age": round(float(look.age), 1),
        "age_spread": round(float(look.age_spread), 1),
        "p_female": round(float(look.p_female), 4),
        "quality": round(float(look.quality), 3),
    }
