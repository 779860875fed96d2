"""Which rows a tenant's transaction reaches on PostgreSQL: each table declares it, a migration makes policies of it.

They stand behind the session's filter, for a query that passes it by (raw SQL, a table that no filter knows). A
transaction of the platform reaches every row, one without a scope none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Command = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """What a tenant's transaction may do to a table's rows. It never needs to be said of the platform's."""

    commands: tuple[Command, ...] = ()
    tenant_column: str = ""
    """The column that has to be the transaction's tenant. Empty: the commands are for every row."""


OWN_ROWS = RowPolicy(("SELECT", "INSERT", "UPDATE", "DELETE"), "tenant_id")
"""The rows of the transaction's tenant, which may refer to its own rows alone."""
PLATFORM_ONLY = RowPolicy()
