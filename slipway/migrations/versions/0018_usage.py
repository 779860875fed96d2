"""What apps and replicas used"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from slipway.migrations.row_security import protect

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

_COUNTED = (
    *("requests_1xx", "requests_2xx", "requests_3xx", "requests_4xx", "requests_5xx"),
    *("bytes_in", "bytes_out", "duration_ms"),
    *(f"latency_{number}" for number in range(1, 16)),
    *("running_ms", "cpu_us", "memory_byte_s", "memory_peak_bytes", "memory_limit_byte_s"),
    *("network_in_bytes", "network_out_bytes"),
)


def upgrade() -> None:
    _make_subjects()
    _make_counted("usage_minutes", "minute", "subject_id", sqlite_with_rowid=False)
    _make_counted("usage_hours", "subject_id", "hour", sa.Column("minutes", sa.LargeBinary(), nullable=True))
    _make_counted("usage_days", "subject_id", "day", sqlite_with_rowid=False)
    _make_progress()
    for table in ("usage_subjects", "usage_minutes", "usage_hours", "usage_days"):
        protect(table, commands=("SELECT",))
    protect("usage_gaps", tenant_column="", commands=("SELECT",))
    for table in ("usage_positions", "usage_meters"):
        protect(table, tenant_column="", commands=())


def _make_subjects() -> None:
    op.create_table(
        "usage_subjects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("app_created_ms", sa.BigInteger(), nullable=False),
        sa.Column("app_name", sa.String(length=40), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("image", sa.String(length=80), nullable=False),
        sa.Column("image_name", sa.String(length=300), nullable=False),
        sa.Column("replica_id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_usage_subjects_tenant_id_tenants"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_subjects")),
        sa.UniqueConstraint(
            *("app_id", "app_created_ms", "environment", "process", "image", "replica_id"),
            name="uq_usage_subjects_whose",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_usage_subjects_tenant_id"), "usage_subjects", ["tenant_id"])


def _make_counted(table: str, first: str, second: str, *more: sa.Column[bytes], **options: bool) -> None:
    op.create_table(
        table,
        sa.Column(first, sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(second, sa.Integer(), autoincrement=False, nullable=False),
        *more,
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _COUNTED),
        sa.PrimaryKeyConstraint(first, second, name=op.f(f"pk_{table}")),
        **options,
    )


def _make_progress() -> None:
    op.create_table(
        "usage_positions",
        sa.Column("edge", sa.String(length=40), nullable=False),
        sa.Column("boot", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edge", "boot", name=op.f("pk_usage_positions")),
    )
    op.create_table(
        "usage_gaps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edge", sa.String(length=40), nullable=False),
        sa.Column("boot", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("from_s", sa.BigInteger(), nullable=False),
        sa.Column("to_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_gaps")),
        sa.UniqueConstraint(
            *("edge", "boot", "kind", "first_sequence"), name=op.f("uq_usage_gaps_edge_boot_kind_first_sequence")
        ),
    )
    op.create_index("ix_usage_gaps_until", "usage_gaps", ["to_s"])
    op.create_table(
        "usage_meters",
        sa.Column("replica_id", sa.String(length=40), nullable=False),
        sa.Column("container_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cpu_us", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("network_in_bytes", sa.BigInteger(), nullable=False),
        sa.Column("network_out_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("replica_id", name=op.f("pk_usage_meters")),
    )
    op.create_index(op.f("ix_usage_meters_at_ms"), "usage_meters", ["at_ms"])


def downgrade() -> None:
    for table in ("meters", "gaps", "positions", "days", "hours", "minutes", "subjects"):
        op.drop_table(f"usage_{table}")
