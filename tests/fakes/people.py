"""People and their groups that are only remembered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from slipway.core.access.roles import Role, may
from slipway.core.identity.people import Imported, KnownPerson, Member, NewPerson, Outcome, compared
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.errors import Conflict, DependencyUnavailable


class FakePeople:
    """`slipway.ports.identity.People`."""

    def __init__(self) -> None:
        self.people: dict[str, KnownPerson] = {}
        """By sub."""
        self.groups: dict[str, set[str]] = {}
        """The subs of the people in each group, by its path."""
        self.marks: dict[str, str] = {}
        """Of the tenants whose groups are there."""
        self.sessions: dict[str, int] = {}
        """How many each has, by sub."""
        self.first_passwords: dict[str, str] = {}
        """Of the accounts that were made without an address, by sub."""
        self.away = False
        self._numbers = count(1)

    def members(self, tenant: TenantGroup) -> list[Member]:
        self._check(tenant)
        found: dict[str, Role] = {}
        for role in Role:
            for sub in self.groups.get(f"/tenants/{tenant.name}/{role}", ()):
                found[sub] = role if sub not in found or may(role, found[sub]) else found[sub]
        members = [Member(self.people[sub], role) for sub, role in found.items()]
        return sorted(members, key=lambda member: member.person.login)

    def find(self, login: str) -> KnownPerson | None:
        return next((each for each in self.people.values() if each.login == login.lower()), None)

    def set_role(self, tenant: TenantGroup, person: KnownPerson, role: Role | None) -> None:
        self._check(tenant)
        for each in Role:
            path = f"/tenants/{tenant.name}/{each}"
            self.groups.setdefault(path, set()).discard(person.sub)
            if each == role:
                self.groups[path].add(person.sub)

    def groups_in(self, tenant: TenantGroup, person: KnownPerson) -> list[str]:
        self._check(tenant)
        where = f"/tenants/{tenant.name}/"
        return sorted(path for path, subs in self.groups.items() if path.startswith(where) and person.sub in subs)

    def sessions_of(self, person: KnownPerson) -> int:
        self._check_answers()
        return self.sessions.get(person.sub, 0)

    def end_sessions_of(self, person: KnownPerson) -> None:
        self._check_answers()
        self.sessions.pop(person.sub, None)

    def create_account(self, login: str, password: str) -> bool:
        self._check_answers()
        if self.find(login) is not None:
            return False
        self.first_passwords[self.give(login).sub] = password
        return True

    def create(self, people: Sequence[NewPerson], *, dry_run: bool) -> list[Imported]:
        return [self._created(each, dry_run=dry_run) for each in people]

    def give_tenant(self, tenant: TenantGroup) -> None:
        """Its groups are made."""
        self.marks[tenant.name] = tenant.mark

    def give(self, login: str, email: str = "", *groups: str, enabled: bool = True) -> KnownPerson:
        """Somebody is there, in these groups."""
        person = KnownPerson(f"sub-{next(self._numbers)}", login, login.title(), email, enabled)
        self.people[person.sub] = person
        for path in groups:
            self.groups.setdefault(path, set()).add(person.sub)
        return person

    def _created(self, person: NewPerson, *, dry_run: bool) -> Imported:
        if person.tenant and person.tenant not in self.marks:
            why = f"Keycloak has no group {person.group}: slipway identity sync"
            return Imported(person.line, person.login, Outcome.REFUSED, why)
        by_login = self.find(person.login)
        by_email = next((each for each in self.people.values() if person.email and each.email == person.email), None)
        groups = [path for path, subs in self.groups.items() if by_login and by_login.sub in subs]
        if found := compared(person, by_login, by_email, groups):
            return found
        if not dry_run:
            self.give(person.login, person.email, *([person.group] if person.group else []))
        return Imported(person.line, person.login, Outcome.CREATED)

    def _check(self, tenant: TenantGroup) -> None:
        self._check_answers()
        if self.marks.get(tenant.name) != tenant.mark:
            raise Conflict("The tenant's groups are not as they have to be.", remedy="slipway identity sync")

    def _check_answers(self) -> None:
        if self.away:
            raise DependencyUnavailable("Keycloak does not answer.")
