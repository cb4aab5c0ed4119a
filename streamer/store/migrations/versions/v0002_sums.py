"""Sums of an hour for dwell and occupancy, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Ends of the spans, ms, as they were when this step was released
_ENDS = tuple(
    1000 * s
    for s in (
        1,
        2,
        3,
        4,
        5,
        7,
        10,
        14,
        20,
        30,
        42,
        60,
        85,
        120,
        170,
        240,
        300,
        420,
        600,
        850,
        1200,
        1800,
        2700,
        3600,
        7200,
    )
)


def upgrade() -> None:
    """One step on, for the figures that are there already, too."""
    op.create_table(
        "spans",
        sa.Column("counted", sa.Text, primary_key=True),
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "occupancy_hours",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("zone", sa.Text, primary_key=True),
        sa.Column("people", sa.Double, nullable=False),
        sa.Column("peak", sa.Integer, nullable=False),
        sa.Column("observed", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    for counted, name, begin, end in (
        ("visits", "''", "started_at", "ended_at"),
        ("stays", "zone", "entered_at", "left_at"),
    ):
        cases = " ".join(f"WHEN {end} - {begin} < {limit} THEN {i}" for i, limit in enumerate(_ENDS))
        span = f"CASE {cases} ELSE {len(_ENDS)} END"
        op.execute(
            f"INSERT INTO spans SELECT '{counted}', camera, {begin} - {begin} % 3600000, {name}, {span}, count(*) "  # noqa: S608 - constants
            f"FROM {counted} WHERE {end} IS NOT NULL GROUP BY 1, 2, 3, 4, 5"
        )
    op.execute(
        "INSERT INTO occupancy_hours SELECT camera, minute - minute % 3600000, zone, "
        "sum(mean * observed), max(peak), sum(observed) FROM occupancy GROUP BY 1, 2, 3"
    )
