"""Bearer tokens: who asks, and whether the role is enough."""

from __future__ import annotations

import logging
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from apiflask import HTTPTokenAuth
from flask import current_app, g, request
from sqlalchemy import or_, select, update

from router.principal import Principal
from router.services import Services
from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.core.access.tokens import hashed
from slipway.domain import tokens
from slipway.domain.audit import Actor
from slipway.errors import DependencyUnavailable, NotAuthenticated
from slipway.models import Tenant, Token, now

log = logging.getLogger(__name__)
EXTENSION = "slipway"
USED_EVERY = timedelta(minutes=1)
"""`used_at` is written no more often, so that a read stays one."""

bearer = HTTPTokenAuth(scheme="Bearer", realm="slipway", description="A token: slw_ and 43 characters.")


def services() -> Services:
    """Those of the app that answers."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def principal() -> Principal:
    """Who asks. Only in a view that asks for a role."""
    found: Principal = g.flask_httpauth_user
    return found


@bearer.verify_token  # type: ignore[untyped-decorator]
def verify(token: str) -> Principal:
    """Every token costs one hash and one look-up, whether it is well formed, known, over or none of these."""
    with services().db.read(platform="find a token's tenant") as session:
        found = session.execute(
            select(Token, Tenant.name).join(Tenant, Tenant.id == Token.tenant_id).where(Token.hashed == hashed(token))
        ).one_or_none()
    if found is None:
        raise NotAuthenticated("The token is not known.", remedy="sign in: slipway login")
    row, tenant = found
    if tokens.is_dead(row, now()):
        over = "was revoked" if row.revoked_at else "has expired"
        raise NotAuthenticated(f"The token {row.name!r} {over}.", remedy="sign in with another: slipway login")
    _note_use(row)
    return _principal(row, tenant)


@bearer.error_handler  # type: ignore[untyped-decorator]
def refuse(_status: int) -> None:
    """Without a token, `verify` is not asked."""
    raise NotAuthenticated("A token is needed.", remedy="sign in: slipway login")


@bearer.get_user_roles  # type: ignore[untyped-decorator]
def granted(user: Principal) -> list[str]:
    """The roles that the user has; raises `NotAllowed`, naming the role, when the view needs another."""
    view: Any = current_app.view_functions[request.endpoint or ""]
    user.require(Role(view._spec["roles"][0]))
    return [str(role) for role in roles.granted(user.role)]


def client_address() -> str:
    """The client's address as the edge tells it; empty when nothing (or nonsense) was told."""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(told))
    except ValueError:
        return ""


def _principal(row: Token, tenant: str) -> Principal:
    actor = Actor(f"token:{row.name}", client_address(), request.environ.get("slipway.request_id", ""))
    return Principal(row.tenant_id, tenant, Role(row.role), row.name, row.id, actor)


def _note_use(row: Token) -> None:
    at = now()
    if row.used_at is not None and row.used_at > at - USED_EVERY:
        return
    lapsed = or_(Token.used_at.is_(None), Token.used_at <= at - USED_EVERY)
    try:
        with services().db.write(tenant_id=row.tenant_id) as session:
            session.execute(update(Token).where(Token.id == row.id, lapsed).values(used_at=at))
    except DependencyUnavailable as error:
        log.warning("a token's use was not noted", extra={"token": row.name, "why": error.message})
