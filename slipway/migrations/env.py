"""Alembic's environment: run by `slipway.migrations.upgrade`, or by alembic itself while writing a migration."""

from __future__ import annotations

from alembic import context

from slipway.migrations.row_security import reach_every_row
from slipway.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    reach_every_row(connection)
    context.run_migrations()
