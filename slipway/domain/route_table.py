"""Changing the route table: whoever changes a domain or a target does it in one transaction with the generation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from slipway.core.naming.public_suffixes import registered_domain
from slipway.errors import Conflict
from slipway.models import TO_CHANGE, App, Domain, RouteChange, RouteTable
from slipway.settings import Settings

THE_TABLE = 1
_LABEL_MAX = 63
_CHANGE = insert(RouteChange).inline()  # returns nothing: a tenant's transaction may add changes and read none


def route_table(session: Session, *, lock: bool = False) -> RouteTable:
    """The one row, made when it is missing. `lock` holds other changes back until the transaction ends."""
    table = session.get(RouteTable, THE_TABLE, with_for_update=TO_CHANGE if lock else None)
    if table is None:
        table = RouteTable(id=THE_TABLE, generation=0, epoch=uuid4().hex)
        session.add(table)
        session.flush()
    return table


def touch_routes(session: Session, hosts: Iterable[str]) -> int:
    """Say that these hosts' entries changed in this transaction, and return the generation that carries it.

    The agent publishes it after the commit (`WorkQueue.wake_agent` hurries it up). Without hosts no edge has to learn
    anything, and the generation stays.
    """
    table = route_table(session, lock=True)
    changed = sorted(set(hosts))
    if changed:
        table.generation += 1
        session.flush()
        rows = [{"generation": table.generation, "host": host} for host in changed]
        session.connection().execute(_CHANGE, rows)
    return table.generation


def hosts_of(session: Session, app_id: int, environment: str, process: str) -> list[str]:
    """The hosts that lead to a process of an app."""
    query = select(Domain.host).filter_by(app_id=app_id, environment=environment, process=process)
    return list(session.scalars(query))


def add_first_host(session: Session, settings: Settings, app: App, tenant: str) -> str:
    """A new app's host under the platform's domain: `<app>`, with the tenant's name where that is taken.

    Raises:
        Conflict: none is free.
    """
    for label in _labels(app.name, tenant):
        host = f"{label}.{settings.app_domain}".lower()
        if host == settings.console_host:
            continue
        try:
            with session.begin_nested():
                session.add(host_row(app, host))
        except IntegrityError:
            continue
        touch_routes(session, [host])
        return host
    raise Conflict(f"no host is free for {app.name}", remedy="choose another name")


def _labels(app: str, tenant: str) -> Iterator[str]:
    yield app
    both = f"{app[:30]}-{tenant[:25]}".strip("-")
    yield f"{app}-{tenant}" if len(app) + len(tenant) < _LABEL_MAX else both
    yield from (f"{both}-{number}" for number in range(2, 20))


def host_row(app: App, host: str) -> Domain:
    return Domain(tenant_id=app.tenant_id, app_id=app.id, host=host, registered_domain=registered_domain(host))
