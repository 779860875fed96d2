"""Deletes old rows: deployments and their releases, deliveries, the audit, the times of builds. A row that something
still needs stays, however old it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from builder.agent.scope import REASON
from slipway.core.certificates import budgets
from slipway.core.deployment.states import ENDED, State
from slipway.core.dns.claims import LATELY
from slipway.core.quota.build_time import Month
from slipway.db import Database
from slipway.models import (
    AuditRecord,
    Base,
    Build,
    BuildTime,
    CertificateIssuance,
    Delivery,
    Deployment,
    FormerDomain,
    Invitation,
    Preview,
    Release,
    Replica,
    Run,
    now,
)

log = logging.getLogger(__name__)

KEPT = 100
"""Deployments of a kind that an app always keeps: the newest."""
AT_ONCE = 500
"""Rows that one transaction removes; others wait for it on SQLite. The rest goes the next time."""


def trim(db: Database, *, days: int) -> int:
    """Remove what is older than `days`, and say how many rows that were."""
    before = now() - timedelta(days=days)
    removed = {model.__tablename__: _remove(db, model, old) for model, old in _old(before)}
    if any(removed.values()):
        log.info("history removed", extra=removed)
    return sum(removed.values())


def _old(before: datetime) -> Iterator[tuple[type[Base], ColumnElement[bool]]]:
    """What goes, in the order in which the rows refer to each other."""
    yield Deployment, Deployment.id.in_(_deployments(before))
    yield Release, Release.id.in_(_releases(before))
    # those that deployed stay: their digests tell a redelivered body for as long as the hook exists
    yield Delivery, (Delivery.received_at < before) & (Delivery.outcome != "deployed")
    # late events of pull requests that were closed so long ago come no more
    yield Preview, Preview.settled & Preview.app_id.is_(None) & (Preview.created_at < before)
    # who was invited and did not come is of no concern any more; of members it stays visible who invited them
    yield Invitation, (Invitation.expires_at < before) & Invitation.accepted_at.is_(None)
    yield AuditRecord, AuditRecord.at < before
    # this month's are counted, however few days are kept
    yield BuildTime, BuildTime.ended_at < min(before, Month.of(now()).start)
    # of no use any more: domains of theirs need no proof
    yield FormerDomain, FormerDomain.released_at < now() - LATELY
    yield CertificateIssuance, CertificateIssuance.started_at < min(before, now() - 2 * budgets.LONGEST)


def _remove(db: Database, model: type[Base], old: ColumnElement[bool]) -> int:
    with db.read(platform=REASON) as session:
        ids = _ids(session, model, old)
    if ids:
        with db.write(platform=REASON) as session:
            session.execute(delete(model).where(_id(model).in_(ids)))
    return len(ids)


def _ids(session: Session, model: type[Base], old: ColumnElement[bool]) -> list[int]:
    return list(session.scalars(select(_id(model)).where(old).order_by(_id(model)).limit(AT_ONCE)))


def _id(model: type[Base]) -> ColumnElement[int]:
    return model.__table__.c.id


def _deployments(before: datetime) -> ColumnElement[int]:
    """Not the newest of each kind: they show what was chosen by hand last, and where the branch was then. Nor one that
    a rollback can go to, or whose build a kept release runs."""
    whose = (Deployment.app_id, Deployment.environment, Deployment.kind)
    age = func.row_number().over(partition_by=whose, order_by=Deployment.id.desc()).label("age")
    ended = [str(state) for state in ENDED - {State.LIVE}]
    numbered = select(Deployment.id, age).subquery()
    of_kept = exists().where(Release.id == Deployment.release_id, Release.collected_at.is_(None))
    builds_kept = exists().where(
        Build.deployment_id == Deployment.id, Release.build_id == Build.id, Release.collected_at.is_(None)
    )
    query = select(Deployment.id).join(numbered, numbered.c.id == Deployment.id)
    expired = query.where(numbered.c.age > KEPT, Deployment.state.in_(ended), Deployment.ended_at < before)
    return expired.where(~of_kept, ~builds_kept).scalar_subquery()


def _releases(before: datetime) -> ColumnElement[int]:
    """Not the newest, whose number the next one follows."""
    newer = aliased(Release)
    is_followed = exists().where(
        newer.app_id == Release.app_id, newer.environment == Release.environment, newer.number > Release.number
    )
    query = select(Release.id).where(Release.collected_at < before, is_followed)
    for refers in (Deployment.release_id, Replica.release_id, Run.release_id):
        query = query.where(~exists().where(refers == Release.id))
    return query.scalar_subquery()
