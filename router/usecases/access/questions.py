"""May somebody see this path, and why? Who may? Decided by the code that decides requests."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.access.policies import in_force
from router.usecases.finding import app_named
from slipway.core.access import path_rules, policies
from slipway.core.access.path_rules import Required
from slipway.core.access.policies import ANONYMOUS, Caller, CallerKind, Decision, Policy, allows, decide, describe
from slipway.core.access.roles import Role
from slipway.core.identity.claims import Person, memberships
from slipway.domain import tokens
from slipway.errors import Conflict, DependencyUnavailable, IdentityRefused, InvalidInput, NotFound
from slipway.models import Token, now
from slipway.settings import OFF

MOST_PEOPLE = 200
_SIGN_ON_IS_OFF = "sign-on is off on this platform, so that what is not public admits nobody"
_NO_PEOPLE = "People are not known while sign-on is off."
_TURN_ON = "set SLIPWAY_KEYCLOAK in .env, then: make up"
_OPEN_TERMS = ("signed-in", "group:")
"""Terms that others than the tenant's own people may meet."""


@dataclass(frozen=True, slots=True)
class Question:
    """A path, and who asks for it: one of the others, or nobody."""

    path: str
    anonymous: bool = False
    person: str | None = None
    groups: tuple[str, ...] = ()
    token: int | None = None


def answer(services: Services, principal: Principal, app_name: str, question: Question) -> documents.AccessAnswer:
    """Raises `InvalidInput` when more than one caller is named, `NotFound` when the named one is not known."""
    named = [question.anonymous, question.person is not None, bool(question.groups), question.token is not None]
    if sum(named) > 1:
        raise InvalidInput("more than one caller is named", remedy="give anonymous, person, groups or token, or none")
    path = _as_sent(question.path)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        required = path_rules.required(in_force(session, app).resolved(services.settings), path)
        token = _token(session, principal.tenant, question.token) if question.token is not None else None
    if not any(named):
        return _who(services, principal, path, required)
    caller = token or _caller(services, principal, question)
    return _whether(services, principal, path, required, caller)


def _whether(
    services: Services, principal: Principal, path: str, required: Required, caller: Caller
) -> documents.AccessAnswer:
    decisions = [(each, _decide(services, each, caller, principal.tenant)) for each in required.policies]
    refused = [decision for _, decision in decisions if not decision.allowed]
    return documents.AccessAnswer(
        path=path,
        policies=[_decided(policy, principal.tenant, decision) for policy, decision in decisions],
        ambiguous=required.ambiguous,
        allowed=not refused,
        why="; ".join(decision.why for decision in refused or [decision for _, decision in decisions]),
        people=None,
        notices=[],
    )


def _who(services: Services, principal: Principal, path: str, required: Required) -> documents.AccessAnswer:
    words = [describe(policy, principal.tenant) for policy in required.policies]
    people, notices = _people(services, principal.tenant, required)
    return documents.AccessAnswer(
        path=path,
        policies=[
            documents.PolicyDecision(allow=list(policy.terms), who=who, allowed=None, why="")
            for policy, who in zip(required.policies, words, strict=True)
        ],
        ambiguous=required.ambiguous,
        allowed=None,
        why=words[0] if len(words) == 1 else f"who meets all of these: {' | '.join(words)}",
        people=people,
        notices=notices,
    )


def _people(
    services: Services, tenant: str, required: Required
) -> tuple[list[documents.AccessPerson] | None, list[str]]:
    """The tenant's people who meet all policies, and what has to be said besides."""
    if all(policy.is_public for policy in required.policies):
        return None, []
    if services.settings.keycloak == OFF or services.directory is None:
        return None, [f"Nobody: {_SIGN_ON_IS_OFF}. To change that: {_TURN_ON}"]
    try:
        found = services.directory.people_of(tenant, most=MOST_PEOPLE + 1)
    except (DependencyUnavailable, IdentityRefused) as error:
        return None, [f"The tenant's people are not known now: {error.message}"]
    notices = [f"Only {MOST_PEOPLE} people of {tenant} were looked at."] if len(found) > MOST_PEOPLE else []
    if any(term.startswith(_OPEN_TERMS) for policy in required.policies for term in policy.terms):
        notices.append(f"Only people with a role in {tenant} are listed; others may meet signed-in or a group.")
    shown = []
    for person in found[:MOST_PEOPLE]:
        caller = _of_person(person)
        if all(allows(policy, caller, tenant) for policy in required.policies):
            shown.append(documents.AccessPerson(login=person.login, role=str(caller.tenants[tenant])))
    return shown, notices


def _decide(services: Services, policy: Policy, caller: Caller, tenant: str) -> Decision:
    if services.settings.keycloak == OFF and not policy.is_public:
        return Decision(False, _SIGN_ON_IS_OFF)
    return decide(policy, caller, tenant)


def _decided(policy: Policy, tenant: str, decision: Decision) -> documents.PolicyDecision:
    return documents.PolicyDecision(
        allow=list(policy.terms), who=describe(policy, tenant), allowed=decision.allowed, why=decision.why
    )


def _caller(services: Services, principal: Principal, question: Question) -> Caller:
    if question.anonymous:
        return ANONYMOUS
    if question.person is not None:
        return _known_person(services, principal.tenant, question.person)
    for group in question.groups:
        policies.parse(f"group:{group}")
    return Caller(CallerKind.PERSON, tenants=memberships(question.groups), groups=question.groups)


def _known_person(services: Services, tenant: str, login_or_email: str) -> Caller:
    """Somebody of the tenant alone: whether another tenant has such a person is not for its neighbours."""
    if services.directory is None:
        raise Conflict(_NO_PEOPLE, remedy=_TURN_ON)
    found = services.directory.person(login_or_email)
    if found is None or tenant not in memberships(found.groups):
        raise NotFound(
            f"Nobody of {tenant} is known as {login_or_email[:80]!r}.",
            remedy="of people elsewhere say the groups: slipway access test / --group /its/full/path",
        )
    return _of_person(found)


def _of_person(person: Person) -> Caller:
    return Caller(CallerKind.PERSON, person.login, memberships(person.groups), person.groups)


def _token(session: Session, tenant: str, number: int) -> Caller:
    """One of the tenant's tokens, by its number. A dead one is no credentials."""
    row = session.scalar(select(Token).filter_by(id=number))
    if row is None or tokens.is_dead(row, now()):
        raise NotFound(f"There is no token {number} here that is in use.", remedy="see them all: slipway tokens")
    return Caller(CallerKind.TOKEN, str(number), {tenant: Role(row.role)})


def _as_sent(path: str) -> str:
    """Letters outside ASCII as browsers send them."""
    return "".join(letter if letter.isascii() else quote(letter, errors="replace") for letter in path)
