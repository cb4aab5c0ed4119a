"""What the parts are called that can be degraded and belong to one camera, and what lacks then. Pure."""

from __future__ import annotations

__all__ = ["camera_of", "camera_part", "faces_part", "lack_of"]

_CAMERA, _FACES = "camera ", "faces of "
_LACKS = {_CAMERA: "none of its frames is analysed", _FACES: "no age and gender is read"}


def camera_part(camera: str) -> str:
    """The analysis of this camera's frames."""
    return _CAMERA + camera


def faces_part(camera: str) -> str:
    """The reading of age and gender in this camera's frames."""
    return _FACES + camera


def camera_of(part: str) -> str | None:
    """The camera that it belongs to; None: a part of all of them."""
    return next((part.removeprefix(kind) for kind in _LACKS if part.startswith(kind)), None)


def lack_of(part: str) -> str:
    """What doesn't happen at the camera that it belongs to; without the reason, which not everybody may hear."""
    return next((lack for kind, lack in _LACKS.items() if part.startswith(kind)), "")
