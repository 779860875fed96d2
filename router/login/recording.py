"""Sign-ins, refusals and sign-outs in the audit log. What ends is never kept from ending by a database that does not
answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from router.principal import Principal
from slipway.db import Database
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from redis import Redis

    from slipway.adapters.redis.sessions import Session

log = logging.getLogger(__name__)
NOBODY = "nobody"
"""The actor of what is done before it is known who somebody is."""
SIGN_OUT = "sign-out"
SIGN_IN_AGAIN = "another sign-in in the same browser"
IDENTITY_PROVIDER = "the identity provider"
_SHOWN = 12
"""So many digits of a session's id tell them apart."""


def started(db: Database, session: Session, origin: Actor, app: str = "") -> None:
    """Raises `DependencyUnavailable` when the database does not answer: then nobody signs in."""
    detail = {"app": app} if app else {}
    _write(db, _named(session, origin), Action.SESSION_BEGIN, session.person.login, **_facts(session), **detail)


def began_with_token(db: Database, who: Principal) -> None:
    """At the console, where sign-on is off. Raises as `started` does."""
    with db.write(tenant_id=who.tenant_id) as session:
        audit.record(session, who.tenant_id, who.actor, Action.SESSION_BEGIN, who.name, token=who.id)


def ended(db: Database, session: Session, origin: Actor, by: str) -> None:
    _try_to_write(db, _named(session, origin), Action.SESSION_END, session.person.login, **_facts(session), by=by)


def not_renewed(db: Database, session: Session, why: str) -> None:
    """The identity provider did not renew it."""
    _try_to_write(db, Actor(IDENTITY_PROVIDER), Action.SESSION_END, session.person.login, **_facts(session), by=why)


def ended_by_provider(db: Database, origin: Actor, subject: str, many: int) -> None:
    """`subject` is the provider's name for whose, or which, sessions ended."""
    by = IDENTITY_PROVIDER
    _try_to_write(db, Actor(by, origin.address, origin.request_id), Action.SESSION_END, subject, many=many, by=by)


def refused(db: Database, redis: Redis, origin: Actor, what: str, why: str) -> None:
    """A stranger can have this done as often as they like: so many a minute are recorded, and all are in the log."""
    from slipway.adapters.redis.sessions.begin_rate import BeginRate  # noqa: PLC0415  only needed with sign-on

    log.info("nobody was signed in", extra={"what": what, "why": why, "address": origin.address})
    try:
        BeginRate(redis, "refusal").require(origin.address)
    except SlipwayError:
        return
    _try_to_write(db, origin, Action.SESSION_REFUSE, what, why=why[:_WHY_MOST])


_WHY_MOST = 300


def _named(session: Session, origin: Actor) -> Actor:
    return Actor(f"person:{session.person.login}", origin.address, origin.request_id)


def _facts(session: Session) -> dict[str, str]:
    return {"sub": session.person.sub, "session_id": session.id[:_SHOWN]}


def _write(db: Database, actor: Actor, action: Action, subject: str, **detail: Any) -> None:
    with db.write(platform="sessions are of no tenant") as session:
        audit.record(session, None, actor, action, subject, **detail)


def _try_to_write(db: Database, actor: Actor, action: Action, subject: str, **detail: Any) -> None:
    try:
        _write(db, actor, action, subject, **detail)
    except SlipwayError as error:
        facts = {"action": str(action), "subject": subject, "why": error.message}
        log.error("the audit log lacks a record", extra=facts)  # noqa: TRY400  the trace says nothing more
