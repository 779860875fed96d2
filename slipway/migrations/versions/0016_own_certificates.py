"""Own certificates, and where a certificate's files are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from slipway.migrations.row_security import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "certificates", sa.Column("folder", sa.String(length=64), nullable=False, server_default=sa.text("''"))
    )
    op.execute("UPDATE certificates SET folder = serial")
    op.create_table(
        "own_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name=op.f("fk_own_certificates_certificate_id_certificates"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_own_certificates_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_certificates")),
        sa.UniqueConstraint("certificate_id", name=op.f("uq_own_certificates_certificate_id")),
    )
    op.create_index(op.f("ix_own_certificates_tenant_id"), "own_certificates", ["tenant_id"])
    protect("own_certificates", parents={"certificate_id": "certificates"})


def downgrade() -> None:
    op.drop_table("own_certificates")
    op.drop_column("certificates", "folder")
