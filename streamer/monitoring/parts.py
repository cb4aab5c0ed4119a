"""What the parts are called that can be degraded and belong to one camera. Pure."""

from __future__ import annotations

__all__ = ["camera_of", "camera_part"]

_CAMERA = "camera "


def camera_part(camera: str) -> str:
    """The analysis of this camera's frames."""
    return _CAMERA + camera


def camera_of(part: str) -> str | None:
    """The camera whose frames' analysis it is; None: another part."""
    return part.removeprefix(_CAMERA) if part.startswith(_CAMERA) else None
