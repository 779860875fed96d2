"""Volumes outlive their app, and deployments say what they share

Nothing has ever written a row of the volumes before, so the table is made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import slipway.models.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("volumes")
    op.create_table(
        "volumes",
        sa.Column("id", sa.String(length=140), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=True),
        sa.Column("app_name", sa.String(length=40), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("mount_path", sa.String(length=250), nullable=False),
        sa.Column("created_at", slipway.models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", slipway.models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removal_requested_at", slipway.models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_volumes_app_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_volumes_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volumes")),
        sa.UniqueConstraint("app_id", "environment", "name", name=op.f("uq_volumes_app_id_environment_name")),
    )
    with op.batch_alter_table("volumes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_volumes_tenant_id"), ["tenant_id"], unique=False)
    op.add_column("deployments", sa.Column("notices", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("deployments", "notices")
    op.drop_table("volumes")
    op.create_table(
        "volumes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("mount_path", sa.String(length=400), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_volumes_app_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_volumes_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volumes")),
        sa.UniqueConstraint("app_id", "environment", "name", name=op.f("uq_volumes_app_id_environment_name")),
    )
    with op.batch_alter_table("volumes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_volumes_tenant_id"), ["tenant_id"], unique=False)
