"""Deployments that bring another app's image"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("promoted", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("deployments", "promoted")
