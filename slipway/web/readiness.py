"""Can the process do its work? The checks behind `/readyz`; `/healthz` only says that the process answers."""

from __future__ import annotations

from slipway import migrations
from slipway.db import Database
from slipway.errors import DependencyUnavailable


def require_schema(database: Database, needed: str) -> None:
    """The database has to answer, and to have the schema that this code needs.

    Args:
        needed: `migrations.newest()`, found once by each process.

    Raises:
        DependencyUnavailable: the database does not answer, or its schema is another one.
    """
    with database.read(platform="compare the schema with the code's") as session:
        found = migrations.current(session.connection())
    if found != needed:
        raise DependencyUnavailable(
            f"The database's schema is at {found or 'nothing'}; {needed} is needed.",
            remedy="start the same version everywhere: make up migrates the database",
        )
