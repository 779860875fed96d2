"""Keycloak's adapter keeps the contract of those who know a tenant's people, and shows nobody's hash."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.identity.people import KnownPerson, Outcome
from slipway.ports.identity import People
from tests.contracts.people_contract import ACME, PeopleContract, PeopleRig, line
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.unit.core.identity.test_password_hashes import BCRYPT


class KeycloakRig:
    def __init__(self, keycloak: KeycloakServer) -> None:
        self.keycloak = keycloak
        self.people: People = keycloak.as_router().people

    def give(self, login: str, email: str = "", *groups: str, enabled: bool = True) -> KnownPerson:
        made = {"username": login, "enabled": enabled, "groups": list(groups)} | ({"email": email} if email else {})
        return KnownPerson(self.keycloak.in_realm("POST", "/users", made), login, "", email, enabled)


@pytest.fixture
def rig(inhabited: KeycloakServer) -> KeycloakRig:
    return KeycloakRig(inhabited)


class TestKeycloakPeople(PeopleContract):
    @pytest.fixture
    def rig(self, inhabited: KeycloakServer) -> PeopleRig:
        return KeycloakRig(inhabited)


def test_more_members_than_a_page_holds(rig: KeycloakRig) -> None:
    for number in range(101):
        rig.give(f"person-{number:03}", "", "/tenants/acme/viewer")
    members = rig.people.members(ACME)
    assert [member.person.login for member in members] == [f"person-{number:03}" for number in range(101)]


def test_what_keycloak_itself_refuses_is_that_lines_reason_alone(rig: KeycloakRig) -> None:
    profile: dict[str, Any] = rig.keycloak.in_realm("GET", "/users/profile")
    strict = {**profile, "attributes": [_without_digits(each) for each in profile["attributes"]]}
    rig.keycloak.in_realm("PUT", "/users/profile", strict)
    try:
        found = rig.people.create([line(1, login="ada"), line(2, login="bob7"), line(3, login="carol")], dry_run=False)
    finally:
        rig.keycloak.in_realm("PUT", "/users/profile", profile)
    assert [each.outcome for each in found] == [Outcome.CREATED, Outcome.REFUSED, Outcome.CREATED]
    assert "username" in found[1].detail
    assert rig.people.find("bob7") is None


def test_a_hash_is_in_no_event(rig: KeycloakRig) -> None:
    rig.people.create([line(1, login="ada", password_hash=BCRYPT)], dry_run=False)
    (made,) = rig.keycloak.in_realm("GET", "/users?username=ada&exact=true")
    events = rig.keycloak.in_realm("GET", "/admin-events?operationTypes=CREATE&resourceTypes=USER&max=5")
    assert any(each["resourcePath"] == f"users/{made['id']}" for each in events)
    assert BCRYPT not in str(events)


def _without_digits(attribute: dict[str, Any]) -> dict[str, Any]:
    if attribute["name"] != "username":
        return attribute
    pattern = {"pattern": {"pattern": "[a-z]+", "error-message": "digits"}}
    return {**attribute, "validations": {**attribute["validations"], **pattern}}
