"""Sessions: every one has a scope, a read or a write intent, and one transaction.

    with db.write(tenant_id=7) as session: …                 # sees and writes tenant 7 only
    with db.read(platform="reconcile replicas") as session:  # sees all; the reason goes to the debug log

On SQLite a write begins with BEGIN IMMEDIATE: a deferred transaction that upgrades fails at once when another writer is
there. Writers of one process queue for it, those of others try every millisecond: SQLite's own waiting sleeps up to
100 ms at a time. No I/O inside a transaction. Losing the database raises `DatabaseAway`.

On PostgreSQL a transaction begins with its scope, and row-level security holds also what passes this module's filter by
to it (`slipway.models.row_policies`). A role that passes row-level security by is refused.
"""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.base import ExecutableOption

from slipway.errors import DependencyUnavailable, UnsafeDatabaseRole
from slipway.models import TenantOwned

log = logging.getLogger(__name__)
WRITER_WAIT_S = 15.0
"""How long a writer waits for others on SQLite."""
JOURNAL_PAGES = 16_384
"""Of 4 KiB. SQLite's own limit of 1,000 makes every fiftieth delivery or so wait for what the others have written."""
_READ = "slipway_read"
_SCOPE = "slipway_scope"
_AS_IT_IS = {"no_parameters": True}
"""Two statements go in one message only without parameters."""


class UnscopedQuery(RuntimeError):
    """A query without a scope is a defect, not "all"."""


class DatabaseAway(DependencyUnavailable):
    """For those who go on differently without the database than without anything else. To whoever asks us it is one
    more dependency that is unreachable. Whether the transaction was committed is not known."""


class Database:
    """The SQL database behind `url` (SQLite file or PostgreSQL). `any_role`: of PostgreSQL's, for migrations alone."""

    def __init__(self, url: str, *, pool: bool = True, any_role: bool = False) -> None:
        options: dict[str, Any] = {} if pool else {"poolclass": NullPool}
        if url.startswith("sqlite"):
            options["connect_args"] = {"timeout": WRITER_WAIT_S, "check_same_thread": False}
        else:
            options["pool_pre_ping"] = True
            options["connect_args"] = {"connect_timeout": 5}
            if pool:
                options["pool_use_lifo"] = True  # the connection that was used last has its plans and caches warm
        self.engine = create_engine(url, **options)
        self._turn: AbstractContextManager[Any] = nullcontext()
        if self.engine.dialect.name == "sqlite":
            _keep_private(self.engine.url.database)
            _prepare_sqlite(self.engine)
            self._turn = _Turn()
        else:
            _prepare_postgresql(self.engine, any_role=any_role)

    @contextmanager
    def read(self, *, tenant_id: int | None = None, platform: str = "") -> Iterator[Session]:
        """A transaction that writes nothing."""
        with self._session(_scope(tenant_id, platform), read_only=True) as session:
            yield session

    @contextmanager
    def write(self, *, tenant_id: int | None = None, platform: str = "") -> Iterator[Session]:
        """A transaction that is committed at the end of the block, or rolled back when the block raises."""
        with self._session(_scope(tenant_id, platform), read_only=False) as session:
            yield session

    @contextmanager
    def _session(self, scope: int | str, *, read_only: bool) -> Iterator[Session]:
        try:
            with (
                nullcontext() if read_only else self._turn,
                self.engine.connect().execution_options(**{_READ: read_only, _SCOPE: scope}) as connection,
                _ScopedSession(connection, expire_on_commit=False, info={"scope": scope}) as session,
                session.begin(),
            ):
                yield session
        except (OperationalError, InterfaceError) as error:
            raise DatabaseAway(
                "The database does not answer; nothing was changed.", remedy="try again in a moment"
            ) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseAway(
                    "The connection to the database broke; nothing was changed.", remedy="try again in a moment"
                ) from error
            raise

    def checkpoint(self) -> None:
        """Move what was committed from SQLite's journal into its file, beside those who read and write. The agent does
        it every second; with it away the commit that finds `JOURNAL_PAGES` there does. Nothing on PostgreSQL."""
        if self.engine.dialect.name != "sqlite":
            return
        try:
            with closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        except (OperationalError, sqlite3.OperationalError) as error:
            raise DependencyUnavailable(
                "The database does not answer; its journal is moved later.", remedy="try again in a moment"
            ) from error

    def dispose(self) -> None:
        """Close pooled connections (after a fork, at the end)."""
        self.engine.dispose()


@contextmanager
def beyond_tenant(session: Session, why: str) -> Iterator[None]:
    """Inside a tenant's transaction: the block reaches every tenant's rows, as the platform does. For the few rules in
    which others' rows decide what a tenant may do; nothing of them may be shown.

    Args:
        why: the reason, as for `platform`.
    """
    scope = session.info["scope"]
    log.debug("beyond a tenant's scope", extra={"why": why})
    session.flush()
    session.info["scope"] = why
    _mark_platform(session, "on")
    try:
        yield
        session.flush()
    finally:
        session.info["scope"] = scope
        with suppress(DBAPIError):  # a transaction that failed takes no more statements, and is rolled back
            _mark_platform(session, "on" if isinstance(scope, str) else "off")


def _mark_platform(session: Session, value: str) -> None:
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL slipway.platform = '{value}'")


class _Turn:
    """One writer at a time among the threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=WRITER_WAIT_S):
            raise DatabaseAway("The database is busy; nothing was changed.", remedy="try again in a moment")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _scope(tenant_id: int | None, platform: str) -> int | str:
    if (tenant_id is None) == (not platform):
        raise UnscopedQuery("give a tenant's id, or the reason why the platform itself looks")
    if platform:
        log.debug("platform scope", extra={"why": platform})
        return platform
    assert tenant_id is not None  # noqa: S101
    return tenant_id


class _ScopedSession(Session):
    """Holds the scope's rules once for all sessions: attaching them to each costs more than a query."""


@event.listens_for(_ScopedSession, "do_orm_execute")
def _filter_by_scope(state: ORMExecuteState) -> None:
    scope = state.session.info.get("scope")
    if scope is None:
        raise UnscopedQuery("a session without a scope")
    if isinstance(scope, int) and (state.is_select or state.is_update or state.is_delete):
        state.statement = state.statement.options(_of_tenant(scope))


@lru_cache(maxsize=1024)
def _of_tenant(tenant_id: int) -> ExecutableOption:
    return with_loader_criteria(TenantOwned, lambda cls: cls.tenant_id == tenant_id, include_aliases=True)


@event.listens_for(_ScopedSession, "before_flush")
def _refuse_foreign_rows(session: Session, *_: Any) -> None:
    scope = session.info.get("scope")
    if not isinstance(scope, int):
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantOwned) and row.tenant_id != scope:
            raise UnscopedQuery(f"a {type(row).__name__} of another tenant")


def _keep_private(path: str | None) -> None:
    """Make the file before SQLite does, for its owner's eyes alone; the journal's files get the same mode."""
    if path and path != ":memory:" and os.access(os.path.dirname(path) or ".", os.W_OK):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # this module begins transactions itself
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={JOURNAL_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_READ, False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_immediate(connection)


def _begin_immediate(connection: Connection) -> None:
    """Become the writer, or raise what SQLite says when others kept being it for `WRITER_WAIT_S`."""
    driver = connection.connection.cursor()
    until = time.monotonic() + WRITER_WAIT_S
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break  # below it is raised again, as an error of SQLAlchemy
            else:
                return
            time.sleep(random.uniform(0.5, 1.5) / 1000)  # noqa: S311
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={int(WRITER_WAIT_S * 1000)}")
        driver.close()


def _prepare_postgresql(engine: Engine, *, any_role: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.autocommit = True  # this module begins transactions itself, with their scope in the same message
        if not any_role:
            _refuse_roles_beyond_policies(connection)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        scope = connection.get_execution_options().get(_SCOPE)
        connection.exec_driver_sql(f"BEGIN{_settings_of(scope)}", execution_options=_AS_IT_IS)


def _settings_of(scope: int | str | None) -> str:
    """What tells row-level security the scope, until the transaction ends. A connection that Slipway's sessions did not
    open has none, and reaches no row."""
    if scope is None:
        return ""
    return (
        f"; SET LOCAL slipway.tenant_id = '{scope}'"
        if isinstance(scope, int)
        else "; SET LOCAL slipway.platform = 'on'"
    )


def _refuse_roles_beyond_policies(connection: Any) -> None:
    query = "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
    found = connection.execute(query).fetchone()
    if found:
        what = "a superuser" if found[1] else "a role with BYPASSRLS"
        raise UnsafeDatabaseRole(
            f"Slipway works on PostgreSQL as {found[0]}, {what}: no policy would keep tenants' rows apart.",
            remedy="name another role in SLIPWAY_DATABASE_URL, this one in SLIPWAY_DATABASE_OWNER_URL; then: make up",
        )
