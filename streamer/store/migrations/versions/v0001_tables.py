"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """From an empty database."""
    _visits()
    _crossings()
    _stays()
    _occupancy()
    _uptime()
    _events()
    _hours()
    _rules()


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("gender", sa.Text, nullable=False),
        sa.Column("gender_confidence", sa.Double, nullable=False),
        sa.Column("age_group", sa.Text, nullable=False),
        sa.Column("age", sa.Double),
        sa.Column("age_low", sa.Double),
        sa.Column("age_high", sa.Double),
        sa.Column("samples", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("visits_by_camera", "visits", ["camera", "started_at"])
    op.create_index("visits_by_time", "visits", ["started_at"])


def _crossings() -> None:
    op.create_table(
        "crossings",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("visit", sa.Text, nullable=False),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("gender", sa.Text, nullable=False),
        sa.Column("age_group", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("crossings_by_camera", "crossings", ["camera", "at"])
    op.create_index("crossings_by_time", "crossings", ["at"])
    op.create_index("crossings_by_visit", "crossings", ["visit"])


def _stays() -> None:
    op.create_table(
        "stays",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("visit", sa.Text, nullable=False),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("entered_at", sa.BigInteger, nullable=False),
        sa.Column("left_at", sa.BigInteger, nullable=False),
        sa.Column("gender", sa.Text, nullable=False),
        sa.Column("age_group", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("stays_by_camera", "stays", ["camera", "entered_at"])
    op.create_index("stays_by_time", "stays", ["entered_at"])
    op.create_index("stays_by_visit", "stays", ["visit"])


def _occupancy() -> None:
    op.create_table(
        "occupancy",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("zone", sa.Text, primary_key=True),
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("mean", sa.Double, nullable=False),
        sa.Column("peak", sa.Integer, nullable=False),
        sa.Column("observed", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("occupancy_by_time", "occupancy", ["minute"])


def _uptime() -> None:
    op.create_table(
        "uptime",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("uptime_by_camera", "uptime", ["camera", "until"])
    op.create_index("uptime_by_time", "uptime", ["until"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.Text),
        sa.Column("direction", sa.Text),
        sa.Column("visit", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_time", "events", ["at"])


def _hours() -> None:
    op.create_table(
        "hours",
        sa.Column("counted", sa.Text, primary_key=True),
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("direction", sa.Text, primary_key=True),
        sa.Column("gender", sa.Text, primary_key=True),
        sa.Column("age_group", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("timed", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _rules() -> None:
    op.create_table(
        "rules",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
