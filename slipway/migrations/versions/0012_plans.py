"""Plans and quotas of tenants, hosts that people added, and how long builds took"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import slipway.models.base

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = slipway.models.base.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("quotas", sa.JSON(), nullable=False),
        sa.Column("host_quotas", sa.JSON(), nullable=True),
        sa.Column("limits", sa.JSON(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("name", name=op.f("uq_plans_name")),
    )
    op.add_column("tenants", sa.Column("plan_id", sa.Integer(), nullable=True))
    op.add_column("tenants", sa.Column("quotas", sa.JSON(), nullable=True))
    op.add_column("domains", sa.Column("custom", sa.Boolean(), nullable=False, server_default=sa.false()))
    _create_build_times()


def _create_build_times() -> None:
    op.create_table(
        "build_times",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=True),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name=op.f("fk_build_times_deployment_id_deployments"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_build_times_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build_times")),
    )
    op.create_index("ix_build_times_tenant_started", "build_times", ["tenant_id", "started_at"])
    op.create_index(op.f("ix_build_times_deployment_id"), "build_times", ["deployment_id"])
    op.create_index(op.f("ix_build_times_tenant_id"), "build_times", ["tenant_id"])


def downgrade() -> None:
    op.drop_table("build_times")
    op.drop_column("domains", "custom")
    op.drop_column("tenants", "quotas")
    op.drop_column("tenants", "plan_id")
    op.drop_table("plans")
