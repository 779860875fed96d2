"""Answers to requests that people tried, to be compared"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tried_requests", sa.Column("sealed_answer", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tried_requests", "sealed_answer")
