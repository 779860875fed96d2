"""When an app's build inputs were changed last; no leases

The column takes the place of the audit log, from which a worker read it. What was changed before it existed is not
known any more, so an app's next build is made of what is there. Nothing has ever written a row of the leases.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import slipway.models.base

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = slipway.models.base.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.add_column("apps", sa.Column("build_inputs_changed_at", _MOMENT, nullable=True))
    apps = sa.table("apps", sa.column("build_inputs_changed_at", _MOMENT))
    op.execute(apps.update().values(build_inputs_changed_at=slipway.models.base.now()))
    op.drop_table("leases")


def downgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.drop_column("apps", "build_inputs_changed_at")
