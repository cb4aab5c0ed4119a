"""The lines and zones of every camera: those of the configuration, and those drawn on the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from streamer.analytics.rules import Rules
from streamer.config import CameraConfig, RulesConfig
from streamer.errors import ConfigError, StoreError
from streamer.store.database import Database
from streamer.store.drawn_rules import write_rules

__all__ = ["RuleBook"]

log = logging.getLogger(__name__)


class RuleBook:
    """Any thread may use it; `draw` waits for the database, so never call it on the loop."""

    def __init__(
        self, cameras: Sequence[CameraConfig], database: Database | None, apply: Callable[[str, Rules], None]
    ) -> None:
        """database: None where nothing is kept. apply: has a camera count by these from now on."""
        self._configured = {camera.id: RulesConfig(lines=camera.lines, zones=camera.zones) for camera in cameras}
        self._drawn = {camera.id: RulesConfig() for camera in cameras}
        self._database = database
        self._apply = apply
        self._lock = threading.Lock()

    def configured(self, camera: str) -> RulesConfig:
        """Those of the configuration. Raises KeyError: no camera has this id."""
        return self._configured[camera]

    def drawn(self, camera: str) -> RulesConfig:
        """Those drawn on the page. Raises KeyError: no camera has this id."""
        return self._drawn[camera]

    def recall(self, drawn: Mapping[str, RulesConfig]) -> None:
        """What was drawn before this start. The configuration wins where it has come to use a name, too."""
        with self._lock:
            for camera, rules in drawn.items():
                if camera not in self._configured:
                    continue
                taken = set(self._configured[camera].names)
                lines = tuple(line for line in rules.lines if line.name not in taken)
                zones = tuple(zone for zone in rules.zones if zone.name not in taken)
                if twice := taken.intersection(rules.names):
                    log.warning(
                        "camera %s: the configuration's %s is counted, not the drawn one", camera, sorted(twice)
                    )
                self._use(camera, RulesConfig(lines=lines, zones=zones))

    def draw(self, camera: str, rules: RulesConfig) -> None:
        """Keep these instead of what was drawn before, and count by them from now on.

        Raises KeyError: no camera has this id; ConfigError: a name is taken; StoreError: they can't be kept.
        """
        taken = sorted(set(self._configured[camera].names).intersection(rules.names))
        if taken:
            raise ConfigError(f"the configuration has {', '.join(taken)} already: choose another name")
        if self._database is None:
            raise StoreError("nothing is kept (store.url: none): write lines and zones into the configuration")
        with self._lock:
            with self._database.write() as connection:
                write_rules(connection, camera, rules)
            self._use(camera, rules)

    def _use(self, camera: str, rules: RulesConfig) -> None:
        self._drawn[camera] = rules
        configured = self._configured[camera]
        both = RulesConfig.model_construct(lines=configured.lines + rules.lines, zones=configured.zones + rules.zones)
        self._apply(camera, both.rules)
