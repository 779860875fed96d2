"""Standby targets: the replicas of the release before, while the new one is watched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("targets") as table:
        table.add_column(sa.Column("standby", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("targets") as table:
        table.drop_column("standby")
