"""Who calls an app, by what the request carries: a session's cookie, a Slipway token, or an access token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.authentication import find_token, record_use, refuse_void
from router.identity.sign_on import SignOnServices
from router.internal.questions import Question
from router.principal import Kind
from router.services import Services
from slipway.adapters.redis.identity_changes import of_person, of_session, of_session_at_provider, of_token
from slipway.core.access import policies, tokens
from slipway.core.access.policies import CallerKind
from slipway.core.access.roles import Role
from slipway.core.identity.claims import Person, memberships
from slipway.domain.tokens import is_dead
from slipway.errors import NotAuthenticated
from slipway.models import Token, now
from slipway.ports.sign_on import AccessToken


class Why(StrEnum):
    """Why nobody is known to call."""

    NONE = "none"
    """There are no credentials."""
    INVALID = "invalid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """Somebody whose credentials are good."""

    kind: Kind
    id: str
    """A person's or a service account's `sub`, or `token:<id>`."""
    name: str
    """A person's login. That of a program begins with its kind: a token's owner chooses its name, and must not be able
    to choose a person's."""
    tenants: dict[str, Role]
    groups: tuple[str, ...]
    subjects: tuple[str, ...]
    """Whose changes make the verdict void."""
    email: str = ""
    """Only one that the identity provider has verified."""
    expires_at: float | None = None
    """Unix seconds."""

    @property
    def caller(self) -> policies.Caller:
        return policies.Caller(_KINDS[self.kind], self.name, self.tenants, self.groups)


_KINDS = {Kind.PERSON: CallerKind.PERSON, Kind.TOKEN: CallerKind.TOKEN, Kind.WORKLOAD: CallerKind.WORKLOAD}


def find(services: Services, sign_on: SignOnServices, question: Question) -> KnownCaller | Why:
    """Of a cookie and a bearer token that come together, the bearer token counts: it was added on purpose. One that is
    not valid is not replaced by the cookie.

    Raises:
        DependencyUnavailable: Redis, the database or the identity provider had to be asked, and does not answer.
    """
    if question.bearer.startswith(tokens.PREFIX):
        return _by_token(services, question.bearer)
    if question.bearer:
        return _by_access_token(sign_on, question.bearer)
    if question.cookie:
        return _by_session(sign_on, question.cookie, question.host)
    return Why.NONE


def _by_token(services: Services, bearer: str) -> KnownCaller | Why:
    found = find_token(services, bearer)
    if found is None:
        return Why.INVALID
    row, tenant = found
    if is_dead(row, now()):
        return Why.REVOKED if row.revoked_at else Why.EXPIRED
    record_use(services, row)
    return _token(row, tenant)


def _token(row: Token, tenant: str) -> KnownCaller:
    return KnownCaller(
        kind=Kind.TOKEN,
        id=of_token(row.id),
        name=f"{Kind.TOKEN}:{row.name}",
        tenants={tenant: Role(row.role)},
        groups=(),
        subjects=(of_token(row.id),),
        expires_at=row.expires_at.timestamp() if row.expires_at else None,
    )


def _by_access_token(sign_on: SignOnServices, bearer: str) -> KnownCaller | Why:
    try:
        token = sign_on.provider.verifier.access_token(bearer)
    except NotAuthenticated:
        return Why.INVALID
    try:
        refuse_void(sign_on, token)
    except NotAuthenticated:
        return Why.REVOKED
    if token.person is None:
        return _workload(token)
    return _person(token.person, token.expires_at, of_session_at_provider(token.person.sid))


def _workload(token: AccessToken) -> KnownCaller:
    return KnownCaller(
        kind=Kind.WORKLOAD,
        id=token.subject,
        name=f"{Kind.WORKLOAD}:{token.client}",
        tenants=memberships(token.groups),
        groups=(),
        subjects=(of_person(token.subject),),
        expires_at=token.expires_at,
    )


def _by_session(sign_on: SignOnServices, cookie: str, host: str) -> KnownCaller | Why:
    session = sign_on.current.current_of_app(cookie, host)
    if session is None:
        return Why.INVALID
    return _person(session.person, sign_on.sessions.ends_at(session), of_session(session.id))


def _person(person: Person, expires_at: float, *of_its_session: str) -> KnownCaller:
    return KnownCaller(
        kind=Kind.PERSON,
        id=person.sub,
        name=person.login,
        tenants=memberships(person.groups),
        groups=person.groups,
        subjects=(of_person(person.sub), *of_its_session),
        email=person.verified_email,
        expires_at=expires_at,
    )
