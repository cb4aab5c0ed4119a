"""Which stretches of time were purged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One step on; what was purged before is not known, and over."""
    op.create_table(
        "purged",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
