"""Row-level security of PostgreSQL, table by table. On SQLite these functions do nothing.

A version that makes a table calls `protect`. What a version has once called stays as it is: other policies are other
functions, or a version that replaces them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alembic import op
from sqlalchemy import Connection

_PLATFORM = "(SELECT current_setting('slipway.platform', true)) = 'on'"
_TENANT = "(SELECT NULLIF(current_setting('slipway.tenant_id', true), '')::integer)"
"""As subqueries both are read once in a statement, not once for each row."""
ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


def protect(
    table: str,
    *,
    tenant_column: str = "tenant_id",
    commands: Sequence[str] = ALL,
    parents: Mapping[str, str] | None = None,
) -> None:
    """Let the platform's transactions reach every row, and a tenant's what is declared: `commands` on the rows whose
    `tenant_column` is the tenant (any row of a scoped transaction, where it is empty).

    Args:
        parents: columns that refer to rows of other tables, and these tables. What is written has to refer to rows
            that the transaction reaches: foreign keys alone are checked without the policies.
    """
    if not _on_postgresql():
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {table} USING ({_PLATFORM})")
    rows = f"{tenant_column} = {_TENANT}" if tenant_column else f"{_TENANT} IS NOT NULL"
    written = " AND ".join([rows, *(_reachable(table, *each) for each in (parents or {}).items())])
    for command in commands:
        using = "" if command == "INSERT" else f" USING ({rows})"
        check = f" WITH CHECK ({written})" if command in ("INSERT", "UPDATE") else ""
        op.execute(f"CREATE POLICY tenant_{command.lower()} ON {table} FOR {command}{using}{check}")


def unprotect(table: str, *, commands: Sequence[str] = ALL) -> None:
    """Undo `protect`, for a version's way back. A table that is dropped needs none."""
    if not _on_postgresql():
        return
    for policy in ("platform", *(f"tenant_{command.lower()}" for command in commands)):
        op.execute(f"DROP POLICY {policy} ON {table}")
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def reach_every_row(connection: Connection) -> None:
    """Let the rest of this transaction change all tenants' rows, as migrations do: the policies bind owners, too."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL slipway.platform = 'on'")


def _reachable(table: str, column: str, parent: str) -> str:
    rows = f"SELECT 1 FROM {parent} AS parent WHERE parent.id = {table}.{column}"  # noqa: S608
    return f"({column} IS NULL OR EXISTS ({rows}))"


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
