"""People at Keycloak, and the groups that make them members of tenants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slipway.adapters.keycloak.admin import Admin
from slipway.adapters.keycloak.people_import import PeopleImport
from slipway.adapters.keycloak.people_lookup import find_exactly, known_person
from slipway.core.access.roles import Role, may
from slipway.core.identity.groups import mark_of
from slipway.core.identity.people import Imported, KnownPerson, Member, NewPerson
from slipway.core.identity.wanted_realm import TENANTS, TenantGroup
from slipway.errors import Conflict, IdentityRefused

_REPAIR = "slipway identity sync"


class KeycloakPeople:
    """`slipway.ports.identity.People`. Each call signs in anew: people are changed seldom."""

    def __init__(self, connect: Callable[[], Admin], realm: str) -> None:
        self._connect = connect
        self._realm = f"/{realm}"

    def members(self, tenant: TenantGroup) -> list[Member]:
        found: dict[str, Member] = {}
        with self._connect() as admin:
            for role, group in self._groups(admin, tenant).items():
                for each in admin.all(f"{self._realm}/groups/{group}/members", briefRepresentation="true"):
                    member = Member(known_person(each), role)
                    before = found.get(member.person.sub)
                    if before is None or may(role, before.role):
                        found[member.person.sub] = member
        return sorted(found.values(), key=lambda member: member.person.login)

    def find(self, login: str) -> KnownPerson | None:
        with self._connect() as admin:
            return find_exactly(admin, self._realm, "username", login)

    def set_role(self, tenant: TenantGroup, person: KnownPerson, role: Role | None) -> None:
        with self._connect() as admin:
            groups = self._groups(admin, tenant)
            path = f"{self._realm}/users/{person.sub}/groups"
            has = {each["id"] for each in admin.all(path)}
            # Roles above the new one go first, those below it last: who is cut off in between never has too much.
            for other in sorted(groups, key=_rank, reverse=True):
                if other == role and groups[other] not in has:
                    admin.put(f"{path}/{groups[other]}", {})
                elif other != role and groups[other] in has:
                    admin.delete(f"{path}/{groups[other]}")

    def groups_in(self, tenant: TenantGroup, person: KnownPerson) -> list[str]:
        where = f"/{TENANTS}/{tenant.name}/"
        with self._connect() as admin:
            self._groups(admin, tenant)  # those of another tenant that had the name are none of this one's
            paths = [str(each["path"]) for each in admin.all(f"{self._realm}/users/{person.sub}/groups")]
        return sorted(path for path in paths if path.startswith(where))

    def sessions_of(self, person: KnownPerson) -> int:
        with self._connect() as admin:
            return len(admin.get(f"{self._realm}/users/{person.sub}/sessions"))

    def end_sessions_of(self, person: KnownPerson) -> None:
        with self._connect() as admin:
            admin.post(f"{self._realm}/users/{person.sub}/logout", {})

    def create_account(self, login: str, password: str) -> bool:
        first = {"type": "password", "value": password, "temporary": True}
        made = {"username": login, "enabled": True, "emailVerified": False, "credentials": [first]}
        with self._connect() as admin:
            refusal = admin.offer(f"{self._realm}/users", made)
        if refusal is not None and not refusal.there:
            raise IdentityRefused(f"Keycloak makes no account: {refusal.reason}", remedy="see its log")
        return refusal is None

    def create(self, people: Sequence[NewPerson], *, dry_run: bool) -> list[Imported]:
        with self._connect() as admin:
            return PeopleImport(admin, self._realm, dry_run=dry_run).run(people)

    def _groups(self, admin: Admin, tenant: TenantGroup) -> dict[Role, str]:
        """The id of the group of each role."""
        where = f"/{TENANTS}/{tenant.name}"
        found = admin.find(f"{self._realm}/group-by-path{where}")
        if found is None:
            raise Conflict(f"Keycloak has no group {where}.", remedy=_REPAIR)
        if mark_of(found) != tenant.mark:
            raise Conflict(f"The group {where} at Keycloak is that of another tenant.", remedy=_REPAIR)
        below = admin.all(f"{self._realm}/groups/{found['id']}/children", briefRepresentation="true")
        groups = {Role(each["name"]): str(each["id"]) for each in below if each["name"] in set(Role)}
        if missing := [str(role) for role in Role if role not in groups]:
            raise Conflict(f"Keycloak has no group {where}/{missing[0]}.", remedy=_REPAIR)
        return groups


def _rank(role: Role) -> int:
    return sum(may(role, other) for other in Role)
