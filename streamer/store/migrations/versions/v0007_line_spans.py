"""Sums of how long those visits lasted that crossed a line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Ends of the spans, s, as they were when this step was released
_ENDS = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 42, 60, 85, 120, 170, 240, 300, 420, 600, 850, 1200, 1800, 2700, 3600, 7200)


def upgrade() -> None:
    """One step on, for the figures that are there already, too."""
    op.create_table(
        "line_spans",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("line", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("line_spans_by_hour", "line_spans", ["camera", "hour"])
    lasted = "visits.ended_at - visits.started_at"
    cases = " ".join(f"WHEN {lasted} < {limit * 1000} THEN {i}" for i, limit in enumerate(_ENDS))
    op.execute(
        "INSERT INTO line_spans SELECT visits.camera, line, started_at - started_at % 3600000, "  # noqa: S608 - constants
        f"CASE {cases} ELSE {len(_ENDS)} END, count(*) "
        "FROM visits JOIN (SELECT DISTINCT visit, line FROM crossings) AS crossed ON crossed.visit = visits.key "
        "WHERE ended_at IS NOT NULL GROUP BY 1, 2, 3, 4"
    )
