"""From which deployment on an app's history is about its branch of now"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("apps", sa.Column("branch_sequence", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("apps", "branch_sequence")
