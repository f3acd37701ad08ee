"""Who vouches for the model of a passkey, and how many were refused at the door, hour by hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.add_column("passkeys", sa.Column("vouched", sa.Text(), nullable=True))
    op.create_table(
        "refusals",
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "what"),
    )
