"""The tables. Nothing in them could tell who somebody was: no picture, no face, no features of one.

Times are UTC, whole milliseconds since the epoch, so that they are exact and both databases divide them alike.
`migrations/` makes these tables, step by step; a test holds that both agree.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, MetaData, Table, Text, false

__all__ = [
    "crossings",
    "events",
    "heat",
    "hours",
    "line_spans",
    "metadata",
    "occupancy",
    "occupancy_hours",
    "occupancy_quarters",
    "purged",
    "quarter_days",
    "quarter_hours",
    "rules",
    "spans",
    "stays",
    "uptime",
    "visits",
]

metadata = MetaData()

# SQLite numbers rows by itself only where the key is called INTEGER
_Id: Final = BigInteger().with_variant(Integer, "sqlite")

# One for each face that counted. ended_at: null while the visit is under way. gender and age_group: 'unknown' until the
# visit ends, as they rest on all of its looks. interrupted: the program was killed meanwhile, so that the visit ends at
# the last heartbeat before, and nothing is known of the visitor.
visits = Table(
    "visits",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("camera", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("gender", Text, nullable=False),
    Column("gender_confidence", Double, nullable=False),
    Column("age_group", Text, nullable=False),
    Column("age", Double),
    Column("age_low", Double),
    Column("age_high", Double),
    Column("samples", Integer, nullable=False),
    Column("interrupted", Boolean, nullable=False, server_default=false()),
    Index("visits_by_camera", "camera", "started_at"),
    Index("visits_by_time", "started_at"),
    sqlite_autoincrement=True,
)

# gender and age_group here and in `stays` are the visit's: 'unknown' until it ends, as its looks so far may mislead.
crossings = Table(
    "crossings",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("visit", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("gender", Text, nullable=False),
    Column("age_group", Text, nullable=False),
    Index("crossings_by_camera", "camera", "at"),
    Index("crossings_by_time", "at"),
    Index("crossings_by_visit", "visit"),
    sqlite_autoincrement=True,
)

# Written when somebody leaves a zone.
stays = Table(
    "stays",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("visit", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    Column("left_at", BigInteger, nullable=False),
    Column("gender", Text, nullable=False),
    Column("age_group", Text, nullable=False),
    Index("stays_by_camera", "camera", "entered_at"),
    Index("stays_by_time", "entered_at"),
    Index("stays_by_visit", "visit"),
    sqlite_autoincrement=True,
)

# zone: '' for the whole picture. session: of the program's run, as a minute may see two of them. observed: seconds.
occupancy = Table(
    "occupancy",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("zone", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("mean", Double, nullable=False),
    Column("peak", Integer, nullable=False),
    Column("observed", Double, nullable=False),
    Index("occupancy_by_time", "minute"),
    sqlite_with_rowid=False,
)

# When a camera was live and its figures were kept. `until` grows every few seconds, so a killed program leaves it true.
uptime = Table(
    "uptime",
    metadata,
    Column("key", Text, primary_key=True),
    Column("camera", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("uptime_by_camera", "camera", "until"),
    Index("uptime_by_time", "until"),
)

# Everything that happened, in the order in which it was stored: what /api/v1/events pages through.
events = Table(
    "events",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("rule", Text),
    Column("direction", Text),
    Column("visit", Text),
    Index("events_by_time", "at"),
    sqlite_autoincrement=True,
)


def _counts(name: str) -> Table:
    """counted: visits, crossings or stays. hour: in which the sum begins. name: of the line or zone, else ''.

    milliseconds: of all visits that ended, and of all stays; `timed` says how many those are.
    """
    return Table(
        name,
        metadata,
        Column("counted", Text, primary_key=True),
        Column("camera", Text, primary_key=True),
        Column("hour", BigInteger, primary_key=True, autoincrement=False),
        Column("name", Text, primary_key=True),
        Column("direction", Text, primary_key=True),
        Column("gender", Text, primary_key=True),
        Column("age_group", Text, primary_key=True),
        Column("count", Integer, nullable=False),
        Column("timed", Integer, nullable=False),
        Column("milliseconds", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


# Sums made anew from the rows above whenever one of them changes, so that a year is answered at once: of each hour of
# UTC, and of six hours, for days and more. Six, as a day that begins at any hour holds three of them and six hours.
hours = _counts("hours")
quarter_days = _counts("quarter_days")

# The same of the quarters of an hour (0-3), for places whose hours begin at half past, or at a quarter, of UTC's. They
# are of all visitors together, and so few.
quarter_hours = Table(
    "quarter_hours",
    metadata,
    Column("counted", Text, primary_key=True),
    Column("camera", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("quarter", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("direction", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("timed", Integer, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# How long the visits and stays of an hour lasted, as far as they have ended. span: number of `rollup.SPANS`.
spans = Table(
    "spans",
    metadata,
    Column("counted", Text, primary_key=True),
    Column("camera", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# The same of those visits of an hour that crossed a line, whenever they did.
line_spans = Table(
    "line_spans",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("line", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Index("line_spans_by_hour", "camera", "hour"),
    sqlite_with_rowid=False,
)

# The minutes of an hour in one row. people: mean times observed, summed up.
occupancy_hours = Table(
    "occupancy_hours",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("zone", Text, primary_key=True),
    Column("people", Double, nullable=False),
    Column("peak", Integer, nullable=False),
    Column("observed", Double, nullable=False),
    sqlite_with_rowid=False,
)

# The same of the quarters of an hour (0-3), for places whose hours begin at half past, or at a quarter, of UTC's.
occupancy_quarters = Table(
    "occupancy_quarters",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("quarter", Integer, primary_key=True, autoincrement=False),
    Column("zone", Text, primary_key=True),
    Column("people", Double, nullable=False),
    Column("peak", Integer, nullable=False),
    Column("observed", Double, nullable=False),
    sqlite_with_rowid=False,
)

# For how long faces were where on the picture, in an hour. cells: face-seconds of a coarse grid, packed.
heat = Table(
    "heat",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("cells", LargeBinary, nullable=False),
    Index("heat_by_time", "hour"),
)

# Stretches of time that were purged, at a camera or, '', at all: what was under way isn't written into them at its end.
purged = Table(
    "purged",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Lines and zones drawn on the page, as JSON; those of the config file are not here.
rules = Table(
    "rules",
    metadata,
    Column("camera", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
