"""The schema's history. `upgrade` brings a database to the newest; safe to call at every start, by many at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_LOCK = 0x51_1B_3A_11  # any constant: one at a time migrates a PostgreSQL database


def upgrade(engine: Engine) -> str:
    """Migrate to the newest revision and return its name."""
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(config(connection), "head")
        return current(connection)


def newest() -> str:
    """The revision this code needs."""
    return ScriptDirectory(str(Path(__file__).parent)).get_current_head() or ""


def current(connection: Connection) -> str:
    """The revision that the database is at; empty when it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def config(connection: Connection) -> Config:
    """Alembic's configuration on an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["connection"] = connection
    return settings
