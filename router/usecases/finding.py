"""Rows by the names that people use, inside the session's tenant. Another tenant's rows are not found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from slipway.db import Database
from slipway.errors import NotFound, SlipwayError
from slipway.models import TO_CHANGE, App, Deployment, Edge, Hook

NUMBER_MAX = (1 << 31) - 1
"""The largest id that SQL keeps."""


def edge_ids(db: Database) -> list[str]:
    """Of all edges that are registered."""
    with db.read(platform="which edges there are") as session:
        return list(session.scalars(select(Edge.id).order_by(Edge.id)))


def app_named(session: Session, name: str, *, to_change: bool = False) -> App:
    """`to_change` locks its row against other changes until the transaction ends."""
    query = select(App).filter_by(name=name, deleted_at=None)
    found = session.scalar(query.with_for_update(**TO_CHANGE) if to_change else query)
    if found is None:
        raise NotFound(f"There is no app {name!r} here.", remedy="see them all: slipway apps")
    return found


def deployment_numbered(
    session: Session, number: int, *, of_app: str | None = None, to_change: bool = False
) -> Deployment:
    """The only place where a deployment is looked up by its number. With `of_app`, another app's is not found."""
    query = select(Deployment).filter_by(id=number)
    if to_change:
        query = query.with_for_update(**TO_CHANGE)
    found = session.scalar(query) if number <= NUMBER_MAX else None
    if found is None:
        raise NotFound(f"There is no deployment {number} here.", remedy="see an app's: slipway deployments -a APP")
    if of_app is not None:
        _require_app(session, found, app_named(session, of_app))
    return found


def _require_app(session: Session, deployment: Deployment, app: App) -> None:
    if deployment.app_id != app.id:
        owner = session.get_one(App, deployment.app_id).name
        raise NotFound(
            f"{app.name} has no deployment {deployment.id}: it is one of {owner}.",
            remedy=f"see {app.name}'s: slipway deployments -a {app.name}",
        )


def hook_identified(session: Session, hook_id: str) -> Hook:
    found = session.scalar(select(Hook).filter_by(id=hook_id))
    if found is None:
        raise NotFound(f"There is no hook {hook_id!r} here.", remedy="see them all: slipway hooks")
    return found


@contextmanager
def unique_or(session: Session, error: SlipwayError) -> Iterator[None]:
    """Raise `error` when what is added inside exists already: the database decides, so two at once can't both win."""
    try:
        yield
        session.flush()
    except IntegrityError:
        raise error from None
