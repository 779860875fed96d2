"""Who may use an app: what a policy can say, and whether it admits a caller.

A policy is a list of terms, of which a caller has to meet one. To add a kind of term, add a row to `_TERMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.errors import InvalidInput

MOST_TERMS = 10
MOST_CHARACTERS = 255
"""Of one term."""
REMEDY = (
    "say public, signed-in, tenant, role:viewer, role:developer, role:owner, group:/its/full/path, token or nobody, "
    "or a list of these; docs/guide/access.md"
)


class CallerKind(StrEnum):
    """How a caller proved who they are."""

    ANONYMOUS = "anonymous"
    PERSON = "person"
    TOKEN = "token"  # noqa: S105
    WORKLOAD = "workload"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a path of an app."""

    kind: CallerKind
    name: str = ""
    """As sentences name the caller: a login, a token's name."""
    tenants: Mapping[str, Role] = field(default_factory=dict)
    """The caller's role in each tenant, by the tenant's name."""
    groups: tuple[str, ...] = ()
    """Full paths, such as `/tenants/acme/owner`; only people are in groups."""

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}" if self.name else _NAMELESS[self.kind]


_NAMELESS = {
    CallerKind.ANONYMOUS: "somebody who is not signed in",
    CallerKind.PERSON: "this person",
    CallerKind.TOKEN: "this token",
    CallerKind.WORKLOAD: "this CI job",
}
ANONYMOUS = Caller(CallerKind.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Policy:
    """Terms, of which a caller has to meet one. Made by `parse`."""

    terms: tuple[str, ...]

    @property
    def is_public(self) -> bool:
        return self.terms == ("public",)

    def __str__(self) -> str:
        return ", ".join(self.terms)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a policy admits a caller, and the reason as a sentence."""

    allowed: bool
    why: str


def parse(said: str | Sequence[str]) -> Policy:
    """One term, or a list of terms.

    Raises:
        InvalidInput: names the term and what can be said.
    """
    terms = tuple(dict.fromkeys([said] if isinstance(said, str) else said))
    if not terms:
        raise InvalidInput("a policy without a term admits nobody", remedy=f"say nobody where that is meant; {REMEDY}")
    if len(terms) > MOST_TERMS:
        raise InvalidInput(f"a policy has at most {MOST_TERMS} terms", remedy="use a group for so many")
    for term in terms:
        _check(term)
    for alone in ("public", "nobody"):
        if alone in terms and len(terms) > 1:
            raise InvalidInput(f"{alone!r} stands alone in a policy", remedy="leave it out, or everything else")
    return Policy(terms)


def allows(policy: Policy, caller: Caller, tenant: str) -> bool:
    """Whether the caller may use an app of this tenant. A term that is not known admits nobody."""
    return any(_is_met(term, caller, tenant) for term in policy.terms)


def decide(policy: Policy, caller: Caller, tenant: str) -> Decision:
    """The same, with the reason."""
    met = next((term for term in policy.terms if _is_met(term, caller, tenant)), None)
    if met is not None:
        return Decision(True, f"{caller} meets {met!r}: {_words(met, tenant)}")
    lacking = "; ".join(f"{term!r} ({_words(term, tenant)})" for term in policy.terms)
    return Decision(False, f"{caller} does not meet {'any of ' if len(policy.terms) > 1 else ''}{lacking}")


def describe(policy: Policy, tenant: str) -> str:
    """Whom the policy admits, in words."""
    return "; ".join(_words(term, tenant) for term in policy.terms)


@dataclass(frozen=True, slots=True)
class _Term:
    is_met: Callable[[str, Caller, str], bool]
    """By what follows the colon, the caller, and the app's tenant."""
    words: str
    check: Callable[[str], str] | None = None
    """What is wrong with what follows the colon; None: nothing may follow."""


def _check(term: str) -> None:
    kind, colon, argument = term.partition(":")
    row = _TERMS.get(kind)
    if row is None or len(term) > MOST_CHARACTERS or bool(colon) != (row.check is not None):
        raise InvalidInput(f"{term[:80]!r} is no policy", remedy=REMEDY)
    if row.check is not None and (wrong := row.check(argument)):
        raise InvalidInput(f"{term[:80]!r} is no policy: {wrong}", remedy=REMEDY)


def _is_met(term: str, caller: Caller, tenant: str) -> bool:
    try:
        _check(term)
    except InvalidInput:
        return False
    kind, _, argument = term.partition(":")
    return _TERMS[kind].is_met(argument, caller, tenant)


def _words(term: str, tenant: str) -> str:
    kind, _, argument = term.partition(":")
    row = _TERMS.get(kind)
    if row is None:
        return "nobody, since it is not known"
    named = [role for role in Role if argument in _ROLES and roles.may(role, Role(argument))]
    return row.words.format(argument=argument, tenant=tenant, roles=" or ".join(named))


_ROLES = frozenset(Role)


def _role_fault(argument: str) -> str:
    return "" if argument in _ROLES else f"roles are {', '.join(Role)}"


def _group_fault(argument: str) -> str:
    parts = argument.split("/")
    if parts[0] or len(parts) < 2 or not all(part.strip() for part in parts[1:]):
        return "give the group's full path, as /tenants/acme/owner"
    return "" if argument.isprintable() and "," not in argument else "a group of such a name counts for nothing"


_OF_TENANT = (CallerKind.PERSON, CallerKind.TOKEN)


def _has_role(least: Role, caller: Caller, tenant: str) -> bool:
    role = caller.tenants.get(tenant)
    return caller.kind in _OF_TENANT and role is not None and roles.may(role, least)


def _is_in_group(group: str, caller: Caller) -> bool:
    is_below = any(each == group or each.startswith(f"{group}/") for each in caller.groups)
    return caller.kind == CallerKind.PERSON and is_below


def _is_program(caller: Caller, tenant: str) -> bool:
    return caller.kind in (CallerKind.TOKEN, CallerKind.WORKLOAD) and tenant in caller.tenants


_TERMS = {
    "public": _Term(lambda _, _caller, _tenant: True, "everybody, without signing in"),
    "signed-in": _Term(lambda _, caller, _tenant: caller.kind == CallerKind.PERSON, "everybody who is signed in"),
    "tenant": _Term(
        lambda _, caller, tenant: _has_role(Role.VIEWER, caller, tenant),
        "members of the tenant {tenant}, and its tokens",
    ),
    "role": _Term(
        lambda role, caller, tenant: _has_role(Role(role), caller, tenant),
        "who has the role {roles} in the tenant {tenant}, and its tokens of such a role",
        _role_fault,
    ),
    "group": _Term(
        lambda group, caller, _tenant: _is_in_group(group, caller),
        "members of the group {argument} and of groups below it",
        _group_fault,
    ),
    "token": _Term(
        lambda _, caller, tenant: _is_program(caller, tenant), "tokens and CI jobs of the tenant {tenant}, no browser"
    ),
    "nobody": _Term(lambda _, _caller, _tenant: False, "nobody"),
}
