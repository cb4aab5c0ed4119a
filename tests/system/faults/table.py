"""All faults, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.system.faults.bad_lines import bad_lines
from tests.system.faults.changes import changes
from tests.system.faults.ends import ends_in_every_state
from tests.system.faults.figures import Rows
from tests.system.faults.nets import ill_nets
from tests.system.faults.servers import refusing_servers
from tests.system.faults.signals import signals
from tests.system.faults.sinks import ill_sinks
from tests.system.faults.soak import soaked
from tests.system.faults.starts import broken_configs, broken_models
from tests.system.faults.stops import stops_in_every_state
from tests.system.faults.streams import ill_streams
from tests.system.faults.stuck import stuck_viewers
from tests.system.faults.video import frozen_server, killed_server
from tests.system.faults.viewers import ill_viewers

__all__ = ["CAMERAS", "ENDS", "PARTS", "TABLE"]

Faults = Mapping[str, Rows]

CAMERAS: Final[Faults] = {
    "killed": killed_server,
    "frozen": frozen_server,
    "refusing": refusing_servers,
    "streams": ill_streams,
    "packets": bad_lines,
    "changes": changes,
}
PARTS: Final[Faults] = {
    "nets": ill_nets,
    "viewers": ill_viewers,
    "stuck": stuck_viewers,
    "sinks": ill_sinks,
}
ENDS: Final[Faults] = {
    "stops": stops_in_every_state,
    "models": broken_models,
    "configs": broken_configs,
    "signals": signals,
    "ends": ends_in_every_state,
    "soak": soaked,
}
TABLE: Final[Faults] = {**CAMERAS, **PARTS, **ENDS}
