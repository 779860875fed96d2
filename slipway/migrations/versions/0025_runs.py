"""Commands that run once beside an app's replicas"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from slipway.migrations.row_security import protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("command", sa.JSON(), nullable=False),
        sa.Column("timeout_s", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("cron", sa.String(length=40), nullable=True),
        sa.Column("tick", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("stop_requested", sa.String(length=20), nullable=True),
        sa.Column("container_id", sa.String(length=64), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_runs_app_id_apps"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_runs_release_id_releases"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_runs_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("app_id", "environment", "cron", "tick", name="uq_runs_tick"),
    )
    op.create_index("ix_runs_app", "runs", ["app_id", "environment", "cron", "id"])
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_index(op.f("ix_runs_release_id"), "runs", ["release_id"])
    op.create_index(op.f("ix_runs_tenant_id"), "runs", ["tenant_id"])
    protect("runs", parents={"app_id": "apps", "release_id": "releases"})


def downgrade() -> None:
    op.drop_table("runs")
