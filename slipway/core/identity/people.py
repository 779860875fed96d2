"""People of tenants, and people who are to be imported, as plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from slipway.core.access.roles import Role
from slipway.core.identity.password_hashes import PasswordHash
from slipway.core.identity.wanted_realm import TENANTS

BATCH_MOST = 100
"""Lines of an import that are sent together: so many are created within a few seconds."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody whom the identity provider knows."""

    sub: str
    login: str
    name: str
    email: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a tenant."""

    person: KnownPerson
    role: Role
    """The highest that they have in the tenant."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to be imported. Every text has been checked."""

    line: int
    """Of the file that they come from."""
    login: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    email_verified: bool = False
    tenant: str = ""
    role: Role | None = None
    password: PasswordHash | None = field(default=None, repr=False)

    @property
    def group(self) -> str:
        """The full path of the group that makes them a member; empty: of none."""
        return f"/{TENANTS}/{self.tenant}/{self.role}" if self.tenant else ""


class Outcome(StrEnum):
    """What became of one line of an import."""

    CREATED = "created"
    """Also in a dry run: would be."""
    PRESENT = "present"
    """There already, by the same login and the same e-mail address: an earlier run made them, or somebody else."""
    CONFLICT = "conflict"
    """The login or the e-mail address is another person's. Nothing was changed."""
    REFUSED = "refused"
    """What the line says can't be imported."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One line's outcome."""

    line: int
    login: str
    outcome: Outcome
    detail: str = ""
    """Why, where that is a question."""


def compared(
    person: NewPerson, by_login: KnownPerson | None, by_email: KnownPerson | None, groups: Collection[str] = ()
) -> Imported | None:
    """What an import finds of a person, by those whom the identity provider has under their login and under their
    e-mail address; `groups` are those of the first. None: nobody, they can be created. What is there is never
    changed."""
    if by_login is not None:
        why = _difference(person, by_login, groups)
        return Imported(person.line, person.login, Outcome.CONFLICT if why else Outcome.PRESENT, why)
    if by_email is not None:
        why = f"the e-mail address is that of the person {by_email.login}"
        return Imported(person.line, person.login, Outcome.CONFLICT, why)
    return None


def _difference(person: NewPerson, found: KnownPerson, groups: Collection[str]) -> str:
    if found.email.lower() != person.email:
        return f"a person of this login is there, with {'another' if found.email else 'no'} e-mail address"
    if person.group and person.group not in groups:
        return f"the person is there, and not in the group {person.group}"
    return ""
