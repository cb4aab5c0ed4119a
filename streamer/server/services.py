"""What the server needs from the rest of the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.analytics.heat import COLUMNS, ROWS
from streamer.config import Config
from streamer.inference.reductions import Reduction
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.server.hub import Hub
from streamer.server.image_service import ImageService
from streamer.store.database import Database
from streamer.store.rule_book import RuleBook
from streamer.types import CameraStatus

__all__ = ["Services"]


@dataclass(frozen=True)
class Services:
    """Handed to `create_app`.

    statuses: the cameras' readers as they stand now, in the order of the config. models: what runs, as JSON values by
    role ('detector', 'attributes'), each with 'name', 'runtime', 'precision' and 'origin'; the name under 'attributes'
    stands beside each age and gender on the wire. Both are called on the loop and must not block. started_at: UTC,
    seconds since the epoch. health: what is degraded. images: what analyses images that are sent;
    None where there are no nets. heat: see `HeatMaps.seconds`; what isn't in the database yet. database: where the
    figures are; None where none are kept. rule_book: the lines and zones of the cameras; None where nothing is counted.
    reductions: by camera, how much less than configured is done because of the load.
    """

    config: Config
    hub: Hub
    metrics: Metrics
    statuses: Callable[[], Sequence[CameraStatus]]
    models: Callable[[], Mapping[str, Any]]
    started_at: float
    health: Health = field(default_factory=lambda: Health(Metrics()))
    images: ImageService | None = None
    heat: Callable[[str, float, float], NDArray[np.float32]] = lambda *_: np.zeros((ROWS, COLUMNS), np.float32)
    database: Database | None = None
    rule_book: RuleBook | None = None
    reductions: Callable[[], Mapping[str, Reduction]] = field(default=dict)

    @property
    def attribute_model(self) -> str:
        """The name of the net that reads age and gender."""
        running = self.models().get("attributes")
        return str(running.get("name", "")) if isinstance(running, Mapping) else ""
