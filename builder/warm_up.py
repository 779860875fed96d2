"""Compiles the SQL statements of a job once, before the worker forks for its first job.

SQLAlchemy takes longer to compile a statement than the database takes to run it, and every fork would compile them
again: 20 ms of a push. So the worker runs the transactions of a job in one transaction that is rolled back, and its
forks inherit the compiled statements.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from builder.lease import Lease, claim
from slipway.core.deployment.states import State
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.errors import SlipwayError
from slipway.models import App, Build, Tenant

log = logging.getLogger(__name__)

_WHY = "worker: warm up"


def warm_up(database: Database) -> None:
    """Leaves no row and no open connection. A warm-up that fails costs the next jobs time, nothing else."""
    try:
        with database.write(platform=_WHY) as session:
            _run_a_job(session)
    except _RollBack:
        return
    except (SlipwayError, SQLAlchemyError) as error:
        log.warning("not warmed up", extra={"why": str(error)})
    finally:
        database.dispose()


class _RollBack(Exception):
    """Ends the transaction without a commit."""


class _OneTransaction:
    """Stands in for a database: the transactions of a job become parts of one transaction, under the same scopes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def write(self, *, tenant_id: int | None = None, platform: str = "") -> Iterator[Session]:
        self._session.info["scope"] = platform if tenant_id is None else tenant_id
        yield self._session
        self._session.flush()
        self._session.expunge_all()

    read = write


def _run_a_job(session: Session) -> NoReturn:
    database = cast("Database", _OneTransaction(session))
    lease = claim(database, _pushed(session), 0)
    if lease is None:
        raise SlipwayError("The warm-up could not claim its own deployment.")
    with lease.write() as (_, row):
        row.message = row.pushed_by = "warm-up"
        lifecycle.advance(row, State.BUILDING)
    _record(lease)
    raise _RollBack


def _pushed(session: Session) -> int:
    name = f"warm-up-{secrets.token_hex(8)}"
    tenant = Tenant(name=name)
    session.add(tenant)
    session.flush()
    app = App(tenant_id=tenant.id, name=name)
    session.add(app)
    session.flush()
    made = intents.push(session, app, intents.Pushed("refs/heads/main", "0" * 40), idempotency_key=name, actor=_WHY)
    session.expunge_all()
    return made.id


def _record(lease: Lease) -> None:
    with lease.write() as (session, row):
        found: dict[str, Any] = {
            "exposed_port": None,
            "size_bytes": 0,
            "builder": "",
            "file_settings": {},
            "processes": {},
        }
        whose = {"tenant_id": row.tenant_id, "app_id": row.app_id, "deployment_id": row.id}
        session.add(Build(image="", digest="", steps_total=0, steps_cached=0, **whose, **found))
        lifecycle.note_step(row, "warm-up")
        lifecycle.advance(row, State.STARTING)
