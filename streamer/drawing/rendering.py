"""From an analysed frame to the picture that is sent: scaled, hidden faces, boxes and labels, JPEG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamer.drawing.annotate import draw_tracks, hide_faces
from streamer.drawing.canvas import Canvas
from streamer.types import Frame, Track

__all__ = ["draw_frame", "render_jpeg"]


def render_jpeg(
    frame: Frame,
    tracks: Sequence[Track],
    *,
    hidden: NDArray[np.float32] | None = None,
    width: int | None = None,
    quality: int = 80,
) -> bytes:
    """The JPEG of a frame with these tracks drawn on it. See `draw_frame` and `Canvas.jpeg`."""
    return draw_frame(frame, tracks, hidden=hidden, width=width).jpeg(quality)


def draw_frame(
    frame: Frame, tracks: Sequence[Track], *, hidden: NDArray[np.float32] | None = None, width: int | None = None
) -> Canvas:
    """Scales first and draws then, so that labels stay readable on a small picture.

    tracks: what is drawn, none for a clean picture. hidden: (N, 4) boxes of faces to hide, in pixels of the frame.
    width: of the picture, at most and by default the frame's own. The frame itself is left as it is.
    """
    width = min(width or frame.width, frame.width)
    height = max(1, round(frame.height * width / frame.width))
    scale = width / frame.width
    hides = hidden is not None and len(hidden) > 0
    canvas = Canvas.of_picture(frame.picture, width, height, writable=hides or len(tracks) > 0)
    if hidden is not None and hides:
        hide_faces(canvas, hidden, scale=scale)
    draw_tracks(canvas, tracks, at=frame.captured_at, scale=scale)
    return canvas
