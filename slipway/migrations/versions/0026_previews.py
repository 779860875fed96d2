"""Previews of pull requests"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from slipway.migrations.row_security import protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("apps", sa.Column("is_preview", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "previews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("author", sa.String(length=255), nullable=False),
        sa.Column("branch", sa.String(length=250), nullable=False),
        sa.Column("ref", sa.String(length=300), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("is_fork", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_sha", sa.String(length=64), nullable=False),
        sa.Column("approved_sha", sa.String(length=64), nullable=False),
        sa.Column("approved_by", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("comment_id", sa.String(length=40), nullable=False),
        sa.Column("comment_digest", sa.String(length=64), nullable=False),
        sa.Column("settled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["apps.id"], name=op.f("fk_previews_parent_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_previews_app_id_apps"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_previews_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_previews")),
        sa.UniqueConstraint("parent_id", "number", name=op.f("uq_previews_parent_id_number")),
        sa.UniqueConstraint("app_id", name=op.f("uq_previews_app_id")),
    )
    op.create_index("ix_previews_settled", "previews", ["settled"])
    op.create_index(op.f("ix_previews_tenant_id"), "previews", ["tenant_id"])
    protect("previews", parents={"parent_id": "apps", "app_id": "apps"})


def downgrade() -> None:
    op.drop_table("previews")
    op.drop_column("apps", "is_preview")
