"""How replicas end"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import slipway.models.base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = slipway.models.base.UtcDateTime(timezone=True)
    op.add_column("replicas", sa.Column("last_crash", sa.JSON(), nullable=True))
    op.add_column("replicas", sa.Column("out_of_memory_at", moment, nullable=True))
    op.add_column("replicas", sa.Column("started_at", moment, nullable=True))
    ran = "container_id IS NOT NULL OR ready_at IS NOT NULL"
    op.execute(f"UPDATE replicas SET started_at = created_at WHERE {ran}")  # noqa: S608


def downgrade() -> None:
    for name in ("started_at", "out_of_memory_at", "last_crash"):
        op.drop_column("replicas", name)
