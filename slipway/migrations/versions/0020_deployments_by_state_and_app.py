"""A tenant's deployments by state, and by app

SQLite keeps no statistics, and of several indexes that begin with the tenant it takes any: with 10,000 deployments a
page that shows one app's read all of them. Now no index has the tenant alone, and each of the others has what is asked
for beside it.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deployments_tenant_state", "deployments", ["tenant_id", "state", "app_id", "environment"])
    op.create_index("ix_deployments_tenant_app", "deployments", ["tenant_id", "app_id", "environment", "id"])
    op.drop_index("ix_deployments_latest", "deployments")
    op.drop_index("ix_deployments_tenant_id", "deployments")


def downgrade() -> None:
    op.create_index("ix_deployments_tenant_id", "deployments", ["tenant_id"])
    op.create_index("ix_deployments_latest", "deployments", ["tenant_id", "environment", "app_id", "id"])
    op.drop_index("ix_deployments_tenant_app", "deployments")
    op.drop_index("ix_deployments_tenant_state", "deployments")
