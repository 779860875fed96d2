"""The database in a backup: one consistent state, taken while others write."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from slipway import migrations
from slipway.errors import HostUnready
from slipway.host.backup.archive.packing import Packer, blocks_of
from slipway.host.backup.piping import output_of
from slipway.settings import Settings

SQLITE, POSTGRESQL = "sqlite", "postgresql"
SQLITE_FILE = "database/sqlite"
POSTGRESQL_DUMP = "database/postgresql"
_EVERY_ROW = "-c slipway.platform=on"
"""Row-level security binds the tables' owner, too, unless a session says that it is the platform's."""


@dataclass(frozen=True, slots=True)
class Dumped:
    kind: str
    schema: str
    rows: dict[str, int]


def owner_url(settings: Settings) -> URL:
    return make_url(settings.database_owner_url or settings.database_url)


def dump(settings: Settings, packer: Packer, folder: Path) -> Dumped:
    """Write the database to the archive. `folder` holds a copy of SQLite's meanwhile.

    Raises:
        HostUnready: it has no schema yet, does not answer, or pg_dump fails.
    """
    url = owner_url(settings)
    if url.get_backend_name() == SQLITE:
        return _dump_sqlite(Path(url.database or ""), packer, folder / "copy.db")
    return _dump_postgresql(url, packer)


def _dump_sqlite(source: Path, packer: Packer, copy: Path) -> Dumped:
    """By the online backup API, in one step: writers go on beside it, in their journal."""
    if not source.is_file():
        raise HostUnready(f"there is no database at {source}", remedy="make up makes it; there is nothing to back up")
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(copy)) as target:
        original.backup(target)
        [said] = target.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise HostUnready(f"the database is damaged: {said}", remedy="restore an older backup")
    in_one_file(copy)
    with connected(make_url(f"sqlite:///{copy}")) as connection:
        dumped = _counted(connection, SQLITE)
    packer.stream(SQLITE_FILE, blocks_of(copy))
    return dumped


def _dump_postgresql(url: URL, packer: Packer) -> Dumped:
    """In the snapshot of the transaction that counts."""
    with connected(url) as connection:
        dumped = _counted(connection, POSTGRESQL)
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        packer.stream(POSTGRESQL_DUMP, output_of(_pg_dump(url, snapshot), postgresql_environment(url)))
    return dumped


def _pg_dump(url: URL, snapshot: str) -> list[str]:
    wanted = ("--format=custom", "--no-owner", "--no-privileges", "--enable-row-security")
    return ["pg_dump", *wanted, f"--snapshot={snapshot}", "--no-password", f"--dbname={postgresql_name(url)}"]


def postgresql_name(url: URL) -> str:
    """Where the database is, for PostgreSQL's programs: without the password, which others could see in their argv."""
    return url.set(drivername="postgresql", password=None).render_as_string()


def postgresql_environment(url: URL) -> Mapping[str, str]:
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    return {"PATH": os.environ.get("PATH", os.defpath), "PGOPTIONS": _EVERY_ROW, **password}


def count_rows(connection: Connection) -> dict[str, int]:
    """Table → rows."""
    tables = sorted(inspect(connection).get_table_names())
    quoted = connection.dialect.identifier_preparer.quote
    return {name: connection.scalar(text(f"SELECT count(*) FROM {quoted(name)}")) or 0 for name in tables}  # noqa: S608


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """One transaction, in which every row is seen as it was at its beginning.

    Raises:
        HostUnready: the database does not answer.
    """
    isolation = "REPEATABLE READ" if url.get_backend_name() == POSTGRESQL else "SERIALIZABLE"
    engine = create_engine(url, poolclass=NullPool, isolation_level=isolation)
    try:
        with engine.connect() as connection:
            if url.get_backend_name() == POSTGRESQL:
                connection.exec_driver_sql("SELECT set_config('slipway.platform', 'on', true)")
            yield connection
    except OperationalError as error:
        raise HostUnready(
            f"the database {url.database} does not answer", remedy="SLIPWAY_DATABASE_OWNER_URL says where it is"
        ) from error
    finally:
        engine.dispose()


def in_one_file(file: Path) -> None:
    """Have all of a SQLite database in its file, with no journal beside it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    file.chmod(0o600)


def _counted(connection: Connection, kind: str) -> Dumped:
    schema = migrations.current(connection)
    if not schema:
        raise HostUnready("the database has no schema yet", remedy="make up makes it; there is nothing to back up")
    return Dumped(kind, schema, count_rows(connection))
