"""Which visits were closed after the program had been killed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One step on. What is open is closed by the next start of the camera's streamer."""
    op.add_column("visits", sa.Column("interrupted", sa.Boolean, nullable=False, server_default=sa.false()))
