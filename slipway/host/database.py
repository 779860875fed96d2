"""What the doctor asks the database: whether it answers, and whether it keeps tenants' rows apart itself."""

from __future__ import annotations

from sqlalchemy import text

from slipway.db import Database
from slipway.errors import HostUnready
from slipway.settings import Settings

_OPEN_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname"""
_OWNED_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user"
_MAKE_UP = "make up migrates the database"


def describe(settings: Settings) -> str:
    """One line about a database with which nothing is amiss.

    Raises:
        DependencyUnavailable: it does not answer.
        UnsafeDatabaseRole: row-level security does not hold for the services' role.
        HostUnready: it does not hold for a table.
    """
    if settings.database_url.startswith("sqlite"):
        return "SQLite: tenants' rows are kept apart by Slipway's queries alone"
    database = Database(settings.database_url, pool=False)
    with database.read(platform="the doctor looks") as session:
        role = session.scalar(text("SELECT current_user"))
        unprotected = list(session.scalars(text(_OPEN_TABLES)))
        owns = session.scalar(text(_OWNED_TABLES))
    if unprotected:
        raise HostUnready(f"no row-level security on {', '.join(unprotected)}", remedy=_MAKE_UP)
    which = "the tables' owner; a role that owns nothing could not take the policies away" if owns else "owns nothing"
    return f"PostgreSQL, as {role} ({which})"
