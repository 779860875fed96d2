"""What somebody changes in Keycloak's console is seen and repaired; what they made beside ours stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.identity.keycloak import KeycloakServer
from tests.integration.identity.conftest import TENANTS

Change = Callable[[KeycloakServer], Any]


def _client(keycloak: KeycloakServer, name: str = "slipway-router") -> Any:
    return keycloak.administrate("GET", f"/slipway/clients?clientId={name}")[0]


def _change_client(name: str = "slipway-router", **fields: Any) -> Change:
    def change(keycloak: KeycloakServer) -> None:
        found = _client(keycloak, name)
        keycloak.administrate("PUT", f"/slipway/clients/{found['id']}", {**found, **fields})

    return change


def _change_attribute(name: str, value: str) -> Change:
    def change(keycloak: KeycloakServer) -> None:
        found = _client(keycloak)
        attributes = {**found["attributes"], name: value}
        keycloak.administrate("PUT", f"/slipway/clients/{found['id']}", {**found, "attributes": attributes})

    return change


def _change_realm(**fields: Any) -> Change:
    return lambda keycloak: keycloak.administrate("PUT", "/slipway", fields)


def _mapper(keycloak: KeycloakServer, name: str) -> tuple[str, Any]:
    scopes = keycloak.administrate("GET", "/slipway/client-scopes")
    scope = next(each for each in scopes if each["name"] == "slipway")
    mapper = next(each for each in scope["protocolMappers"] if each["name"] == name)
    return f"/slipway/client-scopes/{scope['id']}/protocol-mappers/models/{mapper['id']}", mapper


def _remove_mapper(keycloak: KeycloakServer) -> None:
    keycloak.administrate("DELETE", _mapper(keycloak, "groups")[0])


def _shorten_groups(keycloak: KeycloakServer) -> None:
    path, mapper = _mapper(keycloak, "groups")
    keycloak.administrate("PUT", path, {**mapper, "config": {**mapper["config"], "full.path": "false"}})


def _remove_client(keycloak: KeycloakServer) -> None:
    keycloak.administrate("DELETE", f"/slipway/clients/{_client(keycloak, 'slipway-cli')['id']}")


def _remove_router(keycloak: KeycloakServer) -> None:
    keycloak.administrate("DELETE", f"/slipway/clients/{_client(keycloak)['id']}")


def _remove_role(keycloak: KeycloakServer) -> None:
    keycloak.administrate("DELETE", "/slipway/roles/platform-admin")


def _take_scope(keycloak: KeycloakServer) -> None:
    scopes = keycloak.administrate("GET", "/slipway/client-scopes")
    scope = next(each for each in scopes if each["name"] == "slipway")
    client = _client(keycloak)["id"]
    keycloak.administrate("DELETE", f"/slipway/clients/{client}/default-client-scopes/{scope['id']}")


def _add_scope(keycloak: KeycloakServer) -> None:
    scopes = keycloak.administrate("GET", "/slipway/client-scopes")
    scope = next(each for each in scopes if each["name"] == "roles")
    client = _client(keycloak)["id"]
    keycloak.administrate("PUT", f"/slipway/clients/{client}/default-client-scopes/{scope['id']}", {})


def _take_accounts_role(keycloak: KeycloakServer) -> None:
    account = keycloak.administrate("GET", f"/slipway/clients/{_client(keycloak)['id']}/service-account-user")
    management = _client(keycloak, "realm-management")["id"]
    path = f"/slipway/users/{account['id']}/role-mappings/clients/{management}"
    role = next(each for each in keycloak.administrate("GET", path) if each["name"] == "manage-realm")
    keycloak.administrate("DELETE", path, [role])


def _group(keycloak: KeycloakServer, path: str) -> Any:
    return keycloak.administrate("GET", f"/slipway/group-by-path/{path}")


def _rename_group(keycloak: KeycloakServer) -> None:
    group = _group(keycloak, "tenants/acme")
    keycloak.administrate("PUT", f"/slipway/groups/{group['id']}", {**group, "name": "acme-old"})


def _remove_group(keycloak: KeycloakServer) -> None:
    keycloak.administrate("DELETE", f"/slipway/groups/{_group(keycloak, 'tenants/acme/owner')['id']}")


DRIFTS: dict[str, tuple[Change, str]] = {
    "another redirect URI": (
        _change_client(redirectUris=["https://evil.example/*"]),
        "client slipway-router: redirectUris is https://evil.example/*, "
        "not http://slipway.localhost:8080/auth/callback",
    ),
    "one redirect URI more": (
        _change_client(redirectUris=["http://slipway.localhost:8080/auth/callback", "https://evil.example/*"]),
        "client slipway-router: redirectUris is",
    ),
    "PKCE off": (
        _change_attribute("pkce.code.challenge.method", ""),
        "client slipway-router: attributes.pkce.code.challenge.method is not set, not S256",
    ),
    "another logout URL": (
        _change_attribute("backchannel.logout.url", "https://evil.example/"),
        "client slipway-router: attributes.backchannel.logout.url is https://evil.example/, not",
    ),
    "passwords to the command line": (
        _change_client("slipway-cli", directAccessGrantsEnabled=True),
        "client slipway-cli: directAccessGrantsEnabled is on, not off",
    ),
    "another secret": (
        _change_client(secret="guessable"),
        "client slipway-router: secret is (hidden), not (hidden)",
    ),
    "mapper removed": (_remove_mapper, "client scope slipway, mapper groups: missing"),
    "groups without their path": (_shorten_groups, "client scope slipway, mapper groups: config.full.path is false"),
    "client removed": (_remove_client, "client slipway-cli: missing"),
    "router's client removed": (_remove_router, "client slipway-router: missing"),
    "role removed": (_remove_role, "role platform-admin: missing"),
    "scope taken from the client": (_take_scope, "client slipway-router: defaultClientScopes is empty, not slipway"),
    "a scope more": (_add_scope, "client slipway-router: defaultClientScopes is"),
    "role of the account taken": (_take_accounts_role, "client slipway-router, role of its account: manage-realm"),
    "brute force": (_change_realm(bruteForceProtected=False), "realm slipway: bruteForceProtected is off, not on"),
    "refresh tokens for ever": (_change_realm(revokeRefreshToken=False), "realm slipway: revokeRefreshToken is off"),
    "any password": (_change_realm(passwordPolicy=""), "realm slipway: passwordPolicy is not set, not length(12)"),
    "no events": (_change_realm(adminEventsEnabled=False), "realm slipway: adminEventsEnabled is off, not on"),
    "group renamed": (_rename_group, "group /tenants/acme: name is acme-old, not acme"),
    "group removed": (_remove_group, "group /tenants/acme/owner: missing"),
}


@pytest.mark.parametrize(("change", "sentence"), DRIFTS.values(), ids=DRIFTS)
def test_it_is_seen_and_repaired(keycloak: KeycloakServer, as_set_up: Any, change: Change, sentence: str) -> None:
    change(keycloak)
    seen = [each.sentence for each in keycloak.provider.sync(TENANTS, dry_run=False)]
    assert [each for each in seen if each.startswith(sentence)], seen
    assert keycloak.export() == as_set_up


def test_a_dry_run_shows_it_and_repairs_nothing(keycloak: KeycloakServer, as_set_up: Any) -> None:
    _remove_mapper(keycloak)
    _rename_group(keycloak)
    _change_client(redirectUris=["https://evil.example/*"])(keycloak)
    drifted = keycloak.export()
    seen = keycloak.provider.sync(TENANTS, dry_run=True)
    assert [each.sentence.partition(":")[0] for each in seen] == [
        "client scope slipway, mapper groups",
        "client slipway-router",
        "client slipway-router",  # Keycloak adds a client scope to a client that is changed
        "group /tenants/acme",
    ]
    assert keycloak.export() == drifted
    assert keycloak.provider.sync(TENANTS, dry_run=False) == seen
    assert keycloak.export() == as_set_up


def test_members_of_a_renamed_group_stay_in_it(keycloak: KeycloakServer) -> None:
    person = keycloak.administrate("POST", "/slipway/users", {"username": "grace", "enabled": True})
    owners = _group(keycloak, "tenants/acme/owner")["id"]
    keycloak.administrate("PUT", f"/slipway/users/{person}/groups/{owners}")
    _rename_group(keycloak)
    keycloak.provider.sync(TENANTS, dry_run=False)
    groups = keycloak.administrate("GET", f"/slipway/users/{person}/groups")
    assert [group["path"] for group in groups] == ["/tenants/acme/owner"]
    keycloak.administrate("DELETE", f"/slipway/users/{person}")


def test_a_group_that_took_a_renamed_ones_name_is_a_persons_to_decide(keycloak: KeycloakServer, as_set_up: Any) -> None:
    _rename_group(keycloak)
    top = _group(keycloak, "tenants")["id"]
    other = keycloak.administrate("POST", f"/slipway/groups/{top}/children", {"name": "acme"})
    (found,) = keycloak.provider.sync(TENANTS, dry_run=False)
    assert found.sentence == (
        "group /tenants/acme: it was renamed to acme-old, and another group took its name: remove or rename one"
    )
    keycloak.administrate("DELETE", f"/slipway/groups/{other['id']}")
    keycloak.provider.sync(TENANTS, dry_run=False)
    assert keycloak.export() == as_set_up


def test_what_people_made_stays(keycloak: KeycloakServer, as_set_up: Any) -> None:
    made = {
        "groups": {"name": "accounting"},
        "clients": {"clientId": "wiki", "protocol": "openid-connect"},
        "client-scopes": {"name": "phone-book", "protocol": "openid-connect"},
        "users": {"username": "linus", "enabled": True},
    }
    ids = {kind: keycloak.administrate("POST", f"/slipway/{kind}", each) for kind, each in made.items()}
    theirs = keycloak.export()
    assert keycloak.provider.sync(TENANTS, dry_run=False) == []
    assert keycloak.export() == theirs
    for kind, each in ids.items():
        keycloak.administrate("DELETE", f"/slipway/{kind}/{each}")
    assert keycloak.export() == as_set_up
