"""Which end of a deployment was reported; what has ended before counts as reported"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("reported_state", sa.String(length=20), nullable=True))
    unfinished = "('queued', 'fetching', 'building', 'starting')"
    op.execute(f"UPDATE deployments SET reported_state = state WHERE state NOT IN {unfinished}")  # noqa: S608
    op.create_index("ix_deployments_reported_state", "deployments", ["reported_state", "state"])


def downgrade() -> None:
    op.drop_index("ix_deployments_reported_state", table_name="deployments")
    op.drop_column("deployments", "reported_state")
