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

from router.identity import seen_people, tenant_choice, token_sessions
from router.identity.cookies import SESSION, Cookies
from router.identity.request_origin import READING, require_own_page
from router.identity.sign_on import SignOnServices
from router.login import recording
from router.principal import Kind, OnlyApp, Principal
from router.services import Services
from slipway.core.access.roles import Role
from slipway.core.access.tokens import PREFIX, PUBLISH_PREFIX, hashed
from slipway.core.identity.claims import Person
from slipway.domain import publishing, tokens
from slipway.domain.audit import Actor
from slipway.errors import CrossSiteRequest, DependencyUnavailable, NotAllowed, NotAuthenticated
from slipway.models import Tenant, Token, now
from slipway.ports.sign_on import AccessToken
from slipway.web.requests import client_address, request_id

log = logging.getLogger(__name__)
USED_EVERY = timedelta(minutes=1)
"""`used_at` is written no more often, so that a read stays one."""
_SIGN_IN = "sign in: slipway login"
_RUN_AGAIN = "exchange a new one, or run the job again"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to prove who calls, and where it comes from."""

    bearer: str
    """Of the header `Authorization: Bearer`; empty: there is none."""
    cookies: Mapping[str, str]
    address: str
    request_id: str
    tenant: str = ""
    """In which of their tenants a person wants to act; empty: they do not say."""
    method: str = "GET"
    cookie_header: str = ""
    """As it came: a cookie that comes twice is not among `cookies` twice."""
    fetch_site: str = ""
    origin: str = ""

    @classmethod
    def of(cls, request: Request) -> Credentials:
        headers = request.headers
        return cls(
            bearer_of(request),
            request.cookies,
            client_address(request),
            request_id(request),
            tenant=headers.get(tenant_choice.HEADER, ""),
            method=request.method,
            cookie_header=headers.get("Cookie", ""),
            fetch_site=headers.get("Sec-Fetch-Site", ""),
            origin=headers.get("Origin", ""),
        )


def bearer_of(request: Request) -> str:
    """The token of the header Authorization; empty: there is none."""
    given = request.authorization
    return (given.token if given is not None and given.type == "bearer" else None) or ""


Authenticator = Callable[[Services, Credentials], Principal | None]
"""Returns None when the request carries no credentials of its kind. Raises `NotAuthenticated` when they are not valid:
no other authenticator is asked then."""


def authenticate(services: Services, request: Request) -> Principal:
    """The caller, by the first authenticator that finds credentials of its kind.

    Raises:
        NotAuthenticated: there are no credentials, or they are not valid (any more).
        DependencyUnavailable: the database does not answer.
    """
    return identify(services, Credentials.of(request))


def identify(services: Services, credentials: Credentials) -> Principal:
    """The same, of credentials that were kept. Raises as `authenticate` does."""
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
    return token_principal(services, credentials, *found)


def token_principal(services: Services, credentials: Credentials, row: Token, tenant: str) -> Principal:
    """Raises `NotAuthenticated` when the token was revoked, or has expired."""
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


def by_publish_token(services: Services, credentials: Credentials) -> Principal | None:
    """A CI job with what it got for its own token. It ends with its publisher, and with its app."""
    if not credentials.bearer.startswith(PUBLISH_PREFIX):
        return None
    with services.db.read(platform="find a CI job's app") as session:
        found = publishing.find(session, credentials.bearer)
    if found is None:
        raise NotAuthenticated("The CI job's token is not known (any more).", remedy=_RUN_AGAIN)
    if found.token.expires_at <= now():
        raise NotAuthenticated("The CI job's token has expired.", remedy=_RUN_AGAIN)
    return Principal(
        kind=Kind.WORKLOAD,
        id=str(found.token.id),
        name=found.token.job,
        tenant_id=found.app.tenant_id,
        tenant=found.tenant,
        role=Role.DEVELOPER,
        address=credentials.address,
        request_id=credentials.request_id,
        only_app=OnlyApp(found.app.id, found.app.name),
    )


def by_access_token(services: Services, credentials: Credentials) -> Principal | None:
    """A person with an access token of the identity provider, as the command line has it after `slipway login`."""
    bearer = credentials.bearer
    if not bearer or bearer.startswith(PREFIX) or services.sign_on is None:
        return None
    token = services.sign_on.provider.verifier.access_token(bearer)
    if token.person is None:
        raise NotAllowed(
            f"{token.client} signed in as itself, and the API is for people and for Slipway's own tokens.",
            remedy="give the program a token: slipway tokens create",
        )
    refuse_void(services.sign_on, token)
    return person_principal(services, credentials, token.person, remembers=False)


def by_session(services: Services, credentials: Credentials) -> Principal | None:
    """A person in a browser. A browser adds the cookie to whatever asks for it, also on other sites: so what changes
    something has to come from a page of ours, or the cookie counts for nothing.

    Raises:
        CrossSiteRequest: it did not.
    """
    if SESSION not in credentials.cookie_header or services.sign_on is None:
        return None
    value = Cookies.of_console(services.settings.public_url).session_of(credentials.cookie_header)
    if not value:
        return None
    _require_own_page(services, credentials)
    session = services.sign_on.current.current(value)
    if session is None:
        raise NotAuthenticated("You are not signed in any more.", remedy="sign in again, at /auth/login")
    return person_principal(services, credentials, session.person, remembers=True)


def _require_own_page(services: Services, credentials: Credentials) -> None:
    if credentials.method in READING:
        return
    try:
        require_own_page(services.settings.public_url, credentials.fetch_site, credentials.origin)
    except CrossSiteRequest as error:
        origin = Actor(recording.NOBODY, credentials.address, credentials.request_id)
        recording.refused(services.db, services.redis, origin, "the API", error.message)
        raise


def person_principal(services: Services, credentials: Credentials, person: Person, *, remembers: bool) -> Principal:
    """`remembers`: in the tenant that the person last chose, where they are in several and the request names none.

    Raises:
        NotAllowed: the person is not in the tenant asked for, in none, or in several and names none.
    """
    membership = tenant_choice.choose(services, person, credentials.tenant, remembers=remembers)
    seen_people.record(services, person)
    return Principal(
        kind=Kind.PERSON,
        id=person.sub,
        name=person.login,
        tenant_id=membership.tenant_id,
        tenant=membership.tenant,
        role=membership.role,
        address=credentials.address,
        request_id=credentials.request_id,
        platform_admin=person.is_platform_admin,
    )


def refuse_void(sign_on: SignOnServices, token: AccessToken) -> None:
    """A token can't be called back. It is refused once its session has ended, or when its owner has changed since."""
    if token.person is not None and sign_on.sessions.has_ended_at_provider(token.person.sid):
        raise NotAuthenticated("The session of this access token has ended.", remedy=_SIGN_IN)
    if token.issued_at <= sign_on.changes.stale_since(token.subject):
        raise NotAuthenticated(
            "Something about you has changed since this access token was issued.", remedy="get a new one: slipway login"
        )


def find_token(services: Services, text: str) -> tuple[Token, str] | None:
    """The token of that text with its tenant's name, also when it is dead."""
    return find_hashed_token(services, hashed(text))


def find_hashed_token(services: Services, digest: str) -> tuple[Token, str] | None:
    """The same, by what the database knows it by."""
    with services.db.read(platform="find a token's tenant") as session:
        query = select(Token, Tenant.name).join(Tenant, Tenant.id == Token.tenant_id)
        found = session.execute(query.where(Token.hashed == digest)).one_or_none()
    return None if found is None else (found[0], found[1])


def by_token_session(services: Services, credentials: Credentials) -> Principal | None:
    """Whoever signed in with a token, in a browser, where sign-on is off. It ends with the token.

    Raises:
        CrossSiteRequest: as `by_session` does.
    """
    if SESSION not in credentials.cookie_header or services.sign_on is not None:
        return None
    value = Cookies.of_console(services.settings.public_url).session_of(credentials.cookie_header)
    if not value:
        return None
    _require_own_page(services, credentials)
    token_hash = token_sessions.of(services.settings, services.redis).read(value)
    found = find_hashed_token(services, token_hash) if token_hash else None
    if found is None:
        raise NotAuthenticated("You are not signed in any more.", remedy="sign in again, at /auth/token")
    return token_principal(services, credentials, *found)


AUTHENTICATORS: tuple[Authenticator, ...] = (
    by_publish_token,
    by_access_token,
    by_token,
    by_session,
    by_token_session,
)
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
