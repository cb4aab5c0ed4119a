"""What the parts are called that can be degraded and belong to one camera. Pure."""

from __future__ import annotations

__all__ = ["camera_of", "camera_part", "faces_part"]

_CAMERA = "camera "
_FACES = "faces of "


def camera_part(camera: str) -> str:
    """The analysis of this camera's frames."""
    return _CAMERA + camera


def faces_part(camera: str) -> str:
    """The reading of age and gender in this camera's frames."""
    return _FACES + camera


def camera_of(part: str) -> str | None:
    """The camera that it belongs to; None: a part of all of them."""
    return next((part.removeprefix(of) for of in (_CAMERA, _FACES) if part.startswith(of)), None)
