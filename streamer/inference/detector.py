"""What a face detector can do."""

from __future__ import annotations

from typing import Protocol

from streamer.inference.session import Session
from streamer.pictures.picture import Picture
from streamer.types import Detections

__all__ = ["Detector"]


class Detector(Protocol):
    """Finds faces. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def confirm_score(self) -> float:
        """The mean score from which what it finds for a while is a face; emblems and the like score lower."""

    @property
    def session(self) -> Session:
        """What runs its net."""

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """The faces in a picture whose score reaches the threshold, best first.

        widest: pixels that are looked at across the picture, where the net leaves a choice; None: as configured.
        Boxes and landmarks are in pixels of the picture and aren't clipped to it: at the edge they may reach a little
        outside, which keeps tracks steady and chips aligned. Raises ModelError.
        """
