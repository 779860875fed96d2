"""What everybody who knows a tenant's people promises. A subclass says whom it is run on."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from slipway.core.access.roles import Role
from slipway.core.identity.import_lines import read_line
from slipway.core.identity.people import Imported, KnownPerson, NewPerson, Outcome
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.errors import Conflict
from slipway.ports.identity import People

ACME, UMBRELLA = TenantGroup("acme", "1.100"), TenantGroup("umbrella", "2.200")


class PeopleRig(Protocol):
    """The tenants acme and umbrella have their groups."""

    people: People

    def give(self, login: str, email: str = "", *groups: str, enabled: bool = True) -> KnownPerson:
        """Somebody is there, in these groups."""
        ...


def line(number: int, **fields: Any) -> NewPerson:
    return read_line(number, fields, {"acme", "umbrella", "initech"})


def roles(people: People, tenant: TenantGroup) -> dict[str, Role]:
    return {member.person.login: member.role for member in people.members(tenant)}


class PeopleContract:
    def test_members_are_those_with_a_role_in_the_tenant(self, rig: PeopleRig) -> None:
        rig.give("ada", "ada@x.org", "/tenants/acme/owner")
        rig.give("bob", "", "/tenants/acme/viewer", "/tenants/umbrella/owner")
        rig.give("eve")
        assert roles(rig.people, ACME) == {"ada": Role.OWNER, "bob": Role.VIEWER}
        assert roles(rig.people, UMBRELLA) == {"bob": Role.OWNER}
        ada = rig.people.members(ACME)[0].person
        assert (ada.login, ada.email, ada.enabled) == ("ada", "ada@x.org", True)

    def test_of_several_roles_the_highest_counts(self, rig: PeopleRig) -> None:
        rig.give("ada", "", "/tenants/acme/viewer", "/tenants/acme/owner", "/tenants/acme/developer")
        assert roles(rig.people, ACME) == {"ada": Role.OWNER}

    def test_who_is_disabled_is_shown_as_such(self, rig: PeopleRig) -> None:
        rig.give("ada", "", "/tenants/acme/owner", enabled=False)
        assert [member.person.enabled for member in rig.people.members(ACME)] == [False]

    def test_a_person_is_found_by_the_whole_login_alone(self, rig: PeopleRig) -> None:
        ada = rig.give("ada", "lovelace@x.org")
        assert rig.people.find("Ada") == ada
        for other in ("ad", "ada2", "lovelace@x.org", "*", ""):
            assert rig.people.find(other) is None

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER, Role.OWNER, None])
    def test_a_role_is_the_only_one_in_the_tenant(self, rig: PeopleRig, role: Role | None) -> None:
        ada = rig.give("ada", "", "/tenants/acme/viewer", "/tenants/acme/owner", "/tenants/umbrella/viewer")
        for _ in range(2):
            rig.people.set_role(ACME, ada, role)
            assert roles(rig.people, ACME) == ({"ada": role} if role else {})
        assert roles(rig.people, UMBRELLA) == {"ada": Role.VIEWER}

    def test_another_tenants_groups_of_the_same_name_are_not_touched(self, rig: PeopleRig) -> None:
        ada = rig.give("ada", "", "/tenants/acme/owner")
        again = TenantGroup("acme", "7.700")
        for act in (lambda: rig.people.members(again), lambda: rig.people.set_role(again, ada, None)):
            with pytest.raises(Conflict) as error:
                act()
            assert error.value.remedy == "slipway identity sync"
        assert roles(rig.people, ACME) == {"ada": Role.OWNER}

    def test_a_tenant_without_groups_says_what_to_do(self, rig: PeopleRig) -> None:
        with pytest.raises(Conflict) as error:
            rig.people.members(TenantGroup("initech", "3.300"))
        assert error.value.remedy == "slipway identity sync"

    def test_a_persons_groups_are_those_of_one_tenant(self, rig: PeopleRig) -> None:
        groups = ("/tenants/acme/viewer", "/tenants/acme/owner")
        ada = rig.give("ada", "", *groups, "/tenants/umbrella/owner")
        assert rig.people.groups_in(ACME, ada) == sorted(groups)
        assert rig.people.groups_in(UMBRELLA, ada) == ["/tenants/umbrella/owner"]
        with pytest.raises(Conflict):
            rig.people.groups_in(TenantGroup("acme", "7.700"), ada)

    def test_who_never_signed_in_has_no_sessions_and_can_be_signed_out(self, rig: PeopleRig) -> None:
        ada = rig.give("ada")
        assert rig.people.sessions_of(ada) == 0
        rig.people.end_sessions_of(ada)
        assert rig.people.sessions_of(ada) == 0

    def test_an_account_is_made_for_a_free_login_alone(self, rig: PeopleRig) -> None:
        ada = rig.give("ada", "ada@x.org", "/tenants/acme/owner")
        assert rig.people.create_account("ada", "a-first-password") is False
        assert rig.people.find("ada") == ada
        assert rig.people.create_account("bob-x7f2k", "a-first-password") is True
        made = rig.people.find("bob-x7f2k")
        assert made is not None
        assert (made.email, made.enabled) == ("", True)
        assert roles(rig.people, ACME) == {"ada": Role.OWNER}

    def test_people_are_created_once(self, rig: PeopleRig) -> None:
        new = [line(2, login="ada", email="ada@x.org", tenant="acme", role="owner"), line(3, login="bob")]
        created = [Imported(2, "ada", Outcome.CREATED), Imported(3, "bob", Outcome.CREATED)]
        assert rig.people.create(new, dry_run=True) == created
        assert rig.people.find("ada") is None
        assert rig.people.create(new, dry_run=False) == created
        assert roles(rig.people, ACME) == {"ada": Role.OWNER}
        present = [Imported(2, "ada", Outcome.PRESENT), Imported(3, "bob", Outcome.PRESENT)]
        for dry_run in (True, False):
            assert rig.people.create(new, dry_run=dry_run) == present

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_who_is_there_is_never_changed(self, rig: PeopleRig, dry_run: bool) -> None:
        rig.give("ada", "ada@x.org", "/tenants/acme/viewer")
        rig.give("bob")
        found = rig.people.create(
            [
                line(1, login="ada", email="other@x.org"),
                line(2, login="other", email="ada@x.org"),
                line(3, login="bob", email="bob@x.org"),
                line(4, login="ada", email="ada@x.org", tenant="acme", role="owner"),
                line(5, login="ada", email="ada@x.org", tenant="acme", role="viewer"),
            ],
            dry_run=dry_run,
        )
        assert [(each.line, each.outcome, each.detail) for each in found] == [
            (1, Outcome.CONFLICT, "a person of this login is there, with another e-mail address"),
            (2, Outcome.CONFLICT, "the e-mail address is that of the person ada"),
            (3, Outcome.CONFLICT, "a person of this login is there, with no e-mail address"),
            (4, Outcome.CONFLICT, "the person is there, and not in the group /tenants/acme/owner"),
            (5, Outcome.PRESENT, ""),
        ]
        assert roles(rig.people, ACME) == {"ada": Role.VIEWER}

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_a_person_of_a_tenant_without_groups_is_not_created(self, rig: PeopleRig, dry_run: bool) -> None:
        (found,) = rig.people.create([line(1, login="ada", tenant="initech")], dry_run=dry_run)
        assert found.detail == "Keycloak has no group /tenants/initech/viewer: slipway identity sync"
        assert rig.people.find("ada") is None
