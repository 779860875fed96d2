"""Services that stand beside apps"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from slipway.migrations.row_security import protect

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _services()
    _attachments()
    _tasks()


def _services() -> None:
    op.create_table(
        "attached_services",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("schedule", sa.String(length=120), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backups_kept", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_attached_services_app_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_attached_services_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attached_services")),
        sa.UniqueConstraint("app_id", name=op.f("uq_attached_services_app_id")),
    )
    op.create_index(op.f("ix_attached_services_tenant_id"), "attached_services", ["tenant_id"])
    protect("attached_services", parents={"app_id": "apps"})


def _attachments() -> None:
    op.create_table(
        "service_attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("variable", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["attached_services.id"],
            name=op.f("fk_service_attachments_service_id_attached_services"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_service_attachments_app_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_service_attachments_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_attachments")),
        sa.UniqueConstraint("service_id", "app_id", name=op.f("uq_service_attachments_service_id_app_id")),
        sa.UniqueConstraint("app_id", "variable", name=op.f("uq_service_attachments_app_id_variable")),
    )
    op.create_index(op.f("ix_service_attachments_tenant_id"), "service_attachments", ["tenant_id"])
    protect("service_attachments", parents={"service_id": "attached_services", "app_id": "apps"})


def _tasks() -> None:
    op.create_table(
        "service_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("tick", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backup_id", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["attached_services.id"],
            name=op.f("fk_service_tasks_service_id_attached_services"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_service_tasks_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_tasks")),
        sa.UniqueConstraint("service_id", "tick", name="uq_service_tasks_tick"),
    )
    op.create_index("ix_service_tasks_service", "service_tasks", ["service_id", "kind", "id"])
    op.create_index("ix_service_tasks_state", "service_tasks", ["state"])
    op.create_index(op.f("ix_service_tasks_tenant_id"), "service_tasks", ["tenant_id"])
    protect("service_tasks", parents={"service_id": "attached_services"})


def downgrade() -> None:
    for table in ("service_tasks", "service_attachments", "attached_services"):
        op.drop_table(table)
