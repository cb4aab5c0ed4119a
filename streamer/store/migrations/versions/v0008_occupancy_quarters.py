"""Occupancy in quarters of an hour, for places whose hours begin at half past UTC's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One step on, for the figures that are there already, too."""
    op.create_table(
        "occupancy_quarters",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("quarter", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("zone", sa.Text, primary_key=True),
        sa.Column("people", sa.Double, nullable=False),
        sa.Column("peak", sa.Integer, nullable=False),
        sa.Column("observed", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO occupancy_quarters SELECT camera, minute - minute % 3600000, minute % 3600000 / 900000, zone, "
        "sum(mean * observed), max(peak), sum(observed) FROM occupancy GROUP BY 1, 2, 3, 4"
    )
