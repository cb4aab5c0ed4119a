"""Sums of six hours, for days and more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One step on, for the figures that are there already, too."""
    op.create_table(
        "quarter_days",
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
    op.execute(
        "INSERT INTO quarter_days SELECT counted, camera, hour - hour % 21600000, name, direction, gender, age_group, "
        "sum(count), sum(timed), sum(milliseconds) FROM hours GROUP BY 1, 2, 3, 4, 5, 6, 7"
    )
