"""When apps, deployments and replicas changed last

Whoever watches a tenant's pages is sent what has changed lately: without the column each look would read all rows.
Rows from before it have none, and count as not changed. An index has each app's latest deployment, which a table of
all apps shows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLES = ("apps", "deployments", "replicas")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(f"ix_{table}_tenant_changed", table, ["tenant_id", "changed_at"])
    op.create_index("ix_deployments_latest", "deployments", ["tenant_id", "environment", "app_id", "id"])
    op.create_index("ix_deliveries_tenant_received", "deliveries", ["tenant_id", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_deliveries_tenant_received", "deliveries")
    op.drop_index("ix_deployments_latest", "deployments")
    for table in _TABLES:
        op.drop_index(f"ix_{table}_tenant_changed", table)
        op.drop_column(table, "changed_at")
