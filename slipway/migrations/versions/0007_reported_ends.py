"""Which end of a deployment was reported; what ended an hour ago or earlier counts as reported"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from alembic import op

import slipway.models.base

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = slipway.models.base.UtcDateTime(timezone=True)
_UNFINISHED = ("queued", "fetching", "building", "starting")


def upgrade() -> None:
    op.add_column("deployments", sa.Column("reported_state", sa.String(length=20), nullable=True))
    _mark_what_ended_before(slipway.models.base.now() - timedelta(hours=1))
    op.create_index("ix_deployments_reported_state", "deployments", ["reported_state", "state"])


def _mark_what_ended_before(moment: datetime) -> None:
    """A worker that was stopped for the upgrade may not have reported what ended, or went live, later."""
    names = (sa.column("state", sa.String), sa.column("reported_state", sa.String))
    ended_at, live_at = sa.column("ended_at", _MOMENT), sa.column("live_at", _MOMENT)
    deployments = sa.table("deployments", *names, ended_at, live_at)
    ended_before = ended_at < moment
    went_live_before = ended_at.is_(None) & sa.or_(live_at.is_(None), live_at < moment)
    marked = deployments.update().where(deployments.c.state.not_in(_UNFINISHED), sa.or_(ended_before, went_live_before))
    op.execute(marked.values(reported_state=deployments.c.state))


def downgrade() -> None:
    op.drop_index("ix_deployments_reported_state", table_name="deployments")
    op.drop_column("deployments", "reported_state")
