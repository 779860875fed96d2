"""Whose domains are and were, and where a host redirects to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from slipway.core.naming.public_suffixes import registered_domain
from slipway.migrations.row_security import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "domains", sa.Column("registered_domain", sa.String(length=253), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("domains", sa.Column("redirect_to", sa.String(length=253), nullable=True))
    op.add_column("domains", sa.Column("proven_at", _TIME, nullable=True))
    op.create_index(op.f("ix_domains_registered_domain"), "domains", ["registered_domain"])
    op.create_table(
        "former_domains",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("registered_domain", sa.String(length=253), nullable=False),
        sa.Column("tenant_mark", sa.String(length=32), nullable=False),
        sa.Column("released_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_domains")),
        sa.UniqueConstraint("host", name=op.f("uq_former_domains_host")),
    )
    op.create_index(op.f("ix_former_domains_registered_domain"), "former_domains", ["registered_domain"])
    op.create_index(op.f("ix_former_domains_tenant_mark"), "former_domains", ["tenant_mark"])
    op.create_index(op.f("ix_former_domains_released_at"), "former_domains", ["released_at"])
    protect("former_domains", tenant_column="", commands=())
    _fill_registered_domains()


def _fill_registered_domains() -> None:
    domains = sa.table("domains", sa.column("id"), sa.column("host"), sa.column("registered_domain"))
    connection = op.get_bind()
    for id_, host in connection.execute(sa.select(domains.c.id, domains.c.host)).all():
        named = domains.update().where(domains.c.id == id_).values(registered_domain=registered_domain(host))
        connection.execute(named)


def downgrade() -> None:
    op.drop_table("former_domains")
    op.drop_index(op.f("ix_domains_registered_domain"), "domains")
    op.drop_column("domains", "proven_at")
    op.drop_column("domains", "redirect_to")
    op.drop_column("domains", "registered_domain")
