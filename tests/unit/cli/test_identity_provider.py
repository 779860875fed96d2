"""At which identity providers the command signs people in."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.cli.sign_in.identity_provider import UntrustedProvider, of_platform

ISSUER = "https://id.example.org/realms/slipway"
PLATFORM = "https://slipway.example.org"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform is on another host."""
    monkeypatch.setenv("SLIPWAY_STATE_DIR", str(tmp_path))


def document(issuer: object = ISSUER, **changes: object) -> dict[str, Any]:
    usual = {
        "issuer": issuer,
        "client_id": "slipway-cli",
        "device_authorization_endpoint": f"{issuer}/device",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": None,
    }
    return {**usual, **changes}


@pytest.mark.parametrize(
    ("issuer", "platform"),
    [
        (ISSUER, PLATFORM),
        ("https://ID.example.org:443/x", PLATFORM),
        ("http://127.0.0.1:8180/realms/slipway", "http://slipway.localhost:8080"),
        ("http://id.localhost:8180/realms/slipway", "http://127.0.0.1:8080"),
    ],
)
def test_a_provider_over_tls_or_of_this_machine_is_one(issuer: str, platform: str) -> None:
    found = of_platform(document(issuer), platform)
    assert (found.issuer, found.token_endpoint) == (issuer, f"{issuer}/token")


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.org/realms/slipway",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.1@id.example.org/",
        "https://user@id.example.org/",
        "ftp://id.example.org/",
        "file:///etc/passwd",
        "https:///realms",
        "https://id.example.org:port/",
        "https://id.example.org/\n",
        "https://id.example.org/\u202e",
        "https://[::1",
        "",
        None,
        7,
    ],
)
def test_what_is_no_safe_address_is_none(issuer: object) -> None:
    with pytest.raises(UntrustedProvider, match="no https:// address"):
        of_platform(document(issuer), PLATFORM)


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8180/realms/slipway", "https://localhost/", "http://x.localhost/"]
)
def test_a_platform_elsewhere_can_not_send_people_to_services_of_their_own_machine(issuer: str) -> None:
    with pytest.raises(UntrustedProvider, match="this very machine") as raised:
        of_platform(document(issuer), PLATFORM)
    assert "SLIPWAY_KEYCLOAK_HOSTNAME" in raised.value.remedy


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/token",
        "http://id.example.org/token",
        "https://id.example.org:8443/token",
        "https://id.example.org.evil.example/token",
        "https://id.example.org@evil.example/token",
        "https://id.example.org\\@evil.example/token",
        "//id.example.org/token",
        ["https://id.example.org/token"],
    ],
)
def test_an_endpoint_of_another_origin_is_not_spoken_to(endpoint: object) -> None:
    with pytest.raises(UntrustedProvider, match="not at the identity provider"):
        of_platform(document(token_endpoint=endpoint), PLATFORM)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("device_authorization_endpoint", "does not sign people in on a command line"),
        ("token_endpoint", "does not say how to sign in"),
        ("client_id", "does not say how to sign in"),
    ],
)
def test_what_is_missing_is_said(name: str, said: str) -> None:
    with pytest.raises(UntrustedProvider, match=said):
        of_platform(document(**{name: None}), PLATFORM)
