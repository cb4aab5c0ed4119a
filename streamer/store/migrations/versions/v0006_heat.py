"""Where faces were, hour by hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """One step on; nothing is known of the time before."""
    op.create_table(
        "heat",
        sa.Column("camera", sa.Text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cells", sa.LargeBinary, nullable=False),
    )
    op.create_index("heat_by_time", "heat", ["hour"])
