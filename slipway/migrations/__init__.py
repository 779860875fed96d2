"""The schema's history. `upgrade` brings a database to the newest; safe to call at every start, by many at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_LOCK = 0x51_1B_3A_11  # any constant: one at a time migrates a PostgreSQL database


def upgrade(engine: Engine) -> str:
    """Migrate to the newest revision and return its name."""
    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if current(connection) != newest():
            from alembic import command  # noqa: PLC0415  who has nothing to migrate is spared 10 MB and their import

            command.upgrade(config(connection), "head")
        return current(connection)


def newest() -> str:
    """The revision this code needs: the versions' files begin with their numbers."""
    return max(file.stem.partition("_")[0] for file in (_HERE / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str:
    """The revision that the database is at; empty when it has no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def config(connection: Connection) -> Config:
    """Alembic's configuration on an open connection."""
    from alembic.config import Config  # noqa: PLC0415

    settings = Config()
    settings.set_main_option("script_location", str(_HERE))
    settings.attributes["connection"] = connection
    return settings
