"""The export in `keycloak/realm/` keeps what the pages promise of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from slipway.core.identity.wanted_realm import Grant, WantedRealm, filled

ROOT = Path(__file__).parents[4]
TEXT = (ROOT / "keycloak/realm/slipway.json").read_text()
VALUES = {"PUBLIC_URL": "https://slipway.example", "ROUTER_SECRET": "s3cret"}
REALM = WantedRealm(filled(json.loads(TEXT), VALUES))


def client(name: str) -> dict[str, Any]:
    return next(each for each in REALM.clients if each["clientId"] == name)


def test_every_value_of_an_installation_is_filled_in() -> None:
    places = set(re.findall(r"\$\{([A-Z_]+)\}", TEXT))
    assert places == VALUES.keys()
    left = {place for place in places if f"${{{place}}}" in json.dumps(REALM.document)}
    assert left == set()


def test_the_router_signs_people_in_by_code_and_pkce_at_one_address() -> None:
    router = client("slipway-router")
    assert router["redirectUris"] == ["https://slipway.example/auth/callback"]
    assert router["attributes"]["pkce.code.challenge.method"] == "S256"
    assert router["attributes"]["backchannel.logout.url"] == "https://slipway.example/auth/backchannel-logout"
    assert (router["publicClient"], router["standardFlowEnabled"], router["secret"]) == (False, True, "s3cret")


def test_the_command_line_has_the_device_flow_and_no_other() -> None:
    cli = client("slipway-cli")
    assert cli["publicClient"] is True
    assert cli["attributes"]["oauth2.device.authorization.grant.enabled"] == "true"
    flows = ("standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled")
    assert not any(cli[flow] for flow in flows)


def test_no_token_is_a_key_to_everything() -> None:
    for each in REALM.clients:
        assert each["fullScopeAllowed"] is False
        assert each["defaultClientScopes"] == ["slipway"]


def test_a_persons_role_and_the_accounts_roles_are_granted() -> None:
    roles = ("manage-clients", "manage-realm", "manage-users", "view-events")
    assert REALM.grants == [
        Grant("slipway-router", "", ("platform-admin",)),
        Grant("slipway-cli", "", ("platform-admin",)),
        Grant("slipway-router", "realm-management", roles),
        Grant("slipway-router", "realm-management", roles, of_account=True),
    ]


def test_settings_are_what_is_no_list_of_things() -> None:
    assert REALM.settings["revokeRefreshToken"] is True
    assert REALM.settings["refreshTokenMaxReuse"] == 0
    assert REALM.settings["bruteForceProtected"] is True
    assert not {"clients", "roles", "users", "groups", "clientScopes"} & REALM.settings.keys()
    assert [scope["name"] for scope in REALM.scopes] == ["slipway"]
