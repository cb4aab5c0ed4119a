"""Sums of quarters of an hour, for places whose hours begin at half past UTC's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_COUNTED = (
    ("visits", "started_at", "ended_at", "''", "''"),
    ("crossings", "at", "at", "line", "direction"),
    ("stays", "entered_at", "left_at", "zone", "''"),
)


def upgrade() -> None:
    """One step on, for the figures that are there already, too."""
    op.create_table(
        "quarter_hours",
        sa.Column("counted", sa.Text, primary_key=True),
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("quarter", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("direction", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("timed", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    for table, at, until, name, direction in _COUNTED:
        op.execute(
            f"INSERT INTO quarter_hours SELECT '{table}', camera, {at} - {at} % 3600000, {at} % 3600000 / 900000, "  # noqa: S608
            f"{name}, {direction}, count(*), count({until}), coalesce(sum({until} - {at}), 0) "
            f"FROM {table} GROUP BY 1, 2, 3, 4, 5, 6"
        )
