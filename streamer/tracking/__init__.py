"""Following faces from frame to frame, and what is known about each: pure, without input, clock or thread."""

from __future__ import annotations

from streamer.tracking.schedule import ReadingSchedule
from streamer.tracking.smoothing import AttributeEstimate, AttributeSmoother
from streamer.tracking.tracker import TrackedFace, Tracker, TrackerUpdate

__all__ = ["AttributeEstimate", "AttributeSmoother", "ReadingSchedule", "TrackedFace", "Tracker", "TrackerUpdate"]
