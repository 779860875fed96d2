"""Which variables somebody marked as secret

Until now every value was masked in output, and ordinary words with them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("variables", sa.Column("is_secret", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("variables", "is_secret")
