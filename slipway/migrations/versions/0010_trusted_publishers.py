"""Trusted publishers, and what CI jobs were given"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_publishers()
    _create_tokens()
    op.create_table(
        "spent_job_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _tenant(),
        _tenant_exists("spent_job_tokens"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_job_tokens")),
    )
    _create_indexes("spent_job_tokens", "expires_at", "tenant_id")


def _create_publishers() -> None:
    table = "trusted_publishers"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("constraints", sa.JSON(), nullable=False),
        sa.Column("pinned", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        _tenant(),
        _refers(table, "app_id", "apps"),
        _tenant_exists(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    _create_indexes(table, "app_id", "tenant_id")


def _create_tokens() -> None:
    table = "publish_tokens"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("publisher_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("hashed", sa.String(length=64), nullable=False),
        sa.Column("job", sa.String(length=600), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _tenant(),
        _refers(table, "publisher_id", "trusted_publishers"),
        _refers(table, "app_id", "apps"),
        _tenant_exists(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("hashed", name=op.f(f"uq_{table}_hashed")),
    )
    _create_indexes(table, "publisher_id", "app_id", "tenant_id")


def _tenant() -> sa.Column[int]:
    return sa.Column("tenant_id", sa.Integer(), nullable=False)


def _tenant_exists(table: str) -> sa.ForeignKeyConstraint:
    return _refers(table, "tenant_id", "tenants")


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")


def _create_indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table in ("spent_job_tokens", "publish_tokens", "trusted_publishers"):
        op.drop_table(table)
