"""What a CI job gets for its own token: a token of the platform for one app, for some minutes.

Its text exists once, when it is issued. SQL keeps its hash.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from slipway.core.access import tokens
from slipway.core.access.trusted_publishers import IssuerKind, Publisher
from slipway.errors import NotAuthenticated, TooManyCalls
from slipway.models import App, PublishToken, SpentJobToken, Tenant, TrustedPublisher, now

LIFETIME_S = 900
MOST_LIVE = 100
"""Tokens of one app that are good at the same time."""
_JOB_MAX = 600


@dataclass(frozen=True, slots=True)
class Found:
    """A token that is good now, and what it is for."""

    token: PublishToken
    app: App
    tenant: str


def publisher_of(row: TrustedPublisher) -> Publisher:
    return Publisher(IssuerKind(row.kind), row.issuer, dict(row.constraints), dict(row.pinned))


def spend(session: Session, tenant_id: int, digest: str, until: float) -> None:
    """A job's own token is good once, until it ends.

    Raises:
        NotAuthenticated: it was exchanged already. The transaction is of no use then.
    """
    session.execute(delete(SpentJobToken).where(SpentJobToken.expires_at < now()))
    ends = datetime.fromtimestamp(until, tz=now().tzinfo)
    session.add(SpentJobToken(tenant_id=tenant_id, digest=digest, expires_at=ends))
    try:
        session.flush()
    except IntegrityError:
        raise NotAuthenticated(
            "The job's token was exchanged before, and is good once.", remedy="get a new one, or run the job again"
        ) from None


def issue(session: Session, publisher: TrustedPublisher, job: str) -> tuple[PublishToken, str]:
    """A new token's row and its text, which is not stored.

    Raises:
        TooManyCalls: the app has as many as it may.
    """
    session.execute(delete(PublishToken).where(PublishToken.expires_at <= now()))
    live = session.scalar(select(func.count()).select_from(PublishToken).filter_by(app_id=publisher.app_id)) or 0
    if live >= MOST_LIVE:
        raise TooManyCalls(
            f"{MOST_LIVE} CI jobs got a token for this app within {LIFETIME_S // 60} minutes, as many as may.",
            remedy="try again later",
            retry_after_s=60,
        )
    text = tokens.PUBLISH_PREFIX + secrets.token_urlsafe(tokens.RANDOM_BYTES)
    row = PublishToken(
        tenant_id=publisher.tenant_id,
        publisher_id=publisher.id,
        app_id=publisher.app_id,
        hashed=tokens.hashed(text),
        job=job[:_JOB_MAX],
        expires_at=now() + timedelta(seconds=LIFETIME_S),
    )
    session.add(row)
    session.flush()
    return row, text


def find(session: Session, text: str) -> Found | None:
    """Also when it has expired. Not when its publisher or its app are gone. Needs a platform session."""
    query = (
        select(PublishToken, App, Tenant.name)
        .join(App, App.id == PublishToken.app_id)
        .join(Tenant, Tenant.id == PublishToken.tenant_id)
        .where(PublishToken.hashed == tokens.hashed(text), App.deleted_at.is_(None))
    )
    found = session.execute(query).one_or_none()
    return None if found is None else Found(found[0], found[1], found[2])
