"""The one way in: every request that needs a role comes through `authenticate`.

Each authenticator knows one kind of credentials. To accept another kind, add its authenticator to `AUTHENTICATORS`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Request
from sqlalchemy import or_, select, update

from router.principal import Kind, Principal
from router.services import Services
from slipway.core.access.roles import Role
from slipway.core.access.tokens import hashed
from slipway.domain import tokens
from slipway.errors import DependencyUnavailable, NotAuthenticated
from slipway.models import Tenant, Token, now
from slipway.web.requests import client_address, request_id

log = logging.getLogger(__name__)
USED_EVERY = timedelta(minutes=1)
"""`used_at` is written no more often, so that a read stays one."""
_SIGN_IN = "sign in: slipway login"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to prove who calls, and where it comes from."""

    bearer: str
    """Of the header `Authorization: Bearer`; empty: there is none."""
    cookies: Mapping[str, str]
    address: str
    request_id: str

    @classmethod
    def of(cls, request: Request) -> Credentials:
        given = request.authorization
        bearer = given.token if given is not None and given.type == "bearer" else None
        return cls(bearer or "", request.cookies, client_address(request), request_id(request))


Authenticator = Callable[[Services, Credentials], Principal | None]
"""Returns None when the request carries no credentials of its kind. Raises `NotAuthenticated` when they are not valid:
no other authenticator is asked then."""


def authenticate(services: Services, request: Request) -> Principal:
    """The caller, by the first authenticator that finds credentials of its kind.

    Raises:
        NotAuthenticated: there are no credentials, or they are not valid (any more).
        DependencyUnavailable: the database does not answer.
    """
    credentials = Credentials.of(request)
    for authenticator in AUTHENTICATORS:
        principal = authenticator(services, credentials)
        if principal is not None:
            return principal
    raise NotAuthenticated("A token is needed.", remedy=_SIGN_IN)


def by_token(services: Services, credentials: Credentials) -> Principal | None:
    """Every token costs one hash and one look-up, whether it is well formed, known, expired or none of these."""
    if not credentials.bearer:
        return None
    found = find_token(services, credentials.bearer)
    if found is None:
        raise NotAuthenticated("The token is not known.", remedy=_SIGN_IN)
    row, tenant = found
    if tokens.is_dead(row, now()):
        how = "was revoked" if row.revoked_at else "has expired"
        raise NotAuthenticated(f"The token {row.name!r} {how}.", remedy="sign in with another: slipway login")
    record_use(services, row)
    return Principal(
        kind=Kind.TOKEN,
        id=str(row.id),
        name=row.name,
        tenant_id=row.tenant_id,
        tenant=tenant,
        role=Role(row.role),
        address=credentials.address,
        request_id=credentials.request_id,
    )


def find_token(services: Services, text: str) -> tuple[Token, str] | None:
    """The token of that text with its tenant's name, also when it is dead."""
    with services.db.read(platform="find a token's tenant") as session:
        query = select(Token, Tenant.name).join(Tenant, Tenant.id == Token.tenant_id)
        found = session.execute(query.where(Token.hashed == hashed(text))).one_or_none()
    return None if found is None else (found[0], found[1])


AUTHENTICATORS: tuple[Authenticator, ...] = (by_token,)
"""In the order in which they are asked."""


def record_use(services: Services, row: Token) -> None:
    """That the token was used now, to the minute."""
    at = now()
    if row.used_at is not None and row.used_at > at - USED_EVERY:
        return
    is_due = or_(Token.used_at.is_(None), Token.used_at <= at - USED_EVERY)
    try:
        with services.db.write(tenant_id=row.tenant_id) as session:
            session.execute(update(Token).where(Token.id == row.id, is_due).values(used_at=at))
    except DependencyUnavailable as error:
        log.warning("a token's use was not recorded", extra={"token": row.name, "why": error.message})
