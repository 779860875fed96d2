"""Whom Keycloak knows, as people ask who may see an app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from slipway.adapters.keycloak import accounts
from slipway.adapters.keycloak.directory import KeycloakDirectory
from slipway.errors import DependencyUnavailable
from tests.fixtures.identity.keycloak import TIMEOUT_S, KeycloakServer

OWNER, VIEWER = "/tenants/acme/owner", "/tenants/acme/viewer"
PEOPLE: list[dict[str, Any]] = [
    {"username": "olga", "email": "olga@example.org", "firstName": "Olga", "groups": [OWNER, VIEWER]},
    {"username": "vic", "email": "vic@example.org", "groups": [VIEWER, "/tenants/umbrella/owner"]},
    {"username": "left", "email": "left@example.org", "enabled": False, "groups": [OWNER]},
    {"username": "other", "email": "other@example.org", "groups": ["/tenants/umbrella/owner"]},
    {"username": "apart", "email": "apart@example.org", "groups": []},
]


@pytest.fixture(scope="module")
def directory(server: KeycloakServer, as_set_up: Any) -> Iterator[KeycloakDirectory]:
    made = [
        server.administrate("POST", "/slipway/users", {"enabled": True, "emailVerified": True} | each)
        for each in PEOPLE
    ]
    yield KeycloakDirectory(server.settings, accounts.routers_account(server.settings), TIMEOUT_S)
    for each in made:
        server.administrate("DELETE", f"/slipway/users/{each}")


def test_the_people_of_a_tenant_have_the_groups_that_give_them_a_role(directory: KeycloakDirectory) -> None:
    found = directory.people_of("acme", most=10)
    assert [(each.login, sorted(each.groups)) for each in found] == [("olga", [OWNER, VIEWER]), ("vic", [VIEWER])]
    assert directory.people_of("nobody-has-it", most=10) == []
    assert [each.login for each in directory.people_of("acme", most=1)] == ["olga"]


@pytest.mark.parametrize("known_as", ["vic", "vic@example.org", "VIC"])
def test_a_person_is_found_by_login_or_address_with_all_groups(directory: KeycloakDirectory, known_as: str) -> None:
    found = directory.person(known_as)
    assert found is not None
    assert (found.login, found.verified_email) == ("vic", "vic@example.org")
    assert sorted(found.groups) == [VIEWER, "/tenants/umbrella/owner"]


@pytest.mark.parametrize(
    "unknown", ["vi", "*", "", "left", "left@example.org", "nobody@example.org", "a&max=9", "vic "]
)
def test_who_is_not_known_or_may_not_sign_in_is_nobody(directory: KeycloakDirectory, unknown: str) -> None:
    assert directory.person(unknown) is None


def test_logins_are_those_of_whom_keycloak_knows(directory: KeycloakDirectory) -> None:
    found = {person.login: person.sub for person in directory.people_of("acme", most=10)}
    asked = [*found.values(), "00000000-0000-0000-0000-000000000000", "..", "x/../count", ""]
    assert directory.logins(asked) == {sub: login for login, sub in found.items()}


def test_a_keycloak_that_does_not_answer_is_reported(server: KeycloakServer, as_set_up: Any) -> None:
    elsewhere = replace(server.settings, keycloak="http://127.0.0.1:9")
    with pytest.raises(DependencyUnavailable):
        KeycloakDirectory(elsewhere, accounts.routers_account(server.settings)).people_of("acme", most=1)
