"""What the platform is set to for the demo's authority, and when the demo refuses to."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict
from pathlib import Path

import pytest

from slipway.demo.authority.platform_settings import check_no_other, edge_of, wanted
from slipway.demo.authority.process import AuthorityProcess, Places
from slipway.errors import Conflict
from slipway.settings import load


@pytest.fixture
def authority(tmp_path: Path) -> AuthorityProcess:
    """One that listens at these ports, as its files say."""
    places = Places(14000, 15000, 8053, 8055, "127.0.0.1", 8080)
    (tmp_path / "places.json").write_text(json.dumps(asdict(places)))
    return AuthorityProcess(tmp_path)


def values(authority: AuthorityProcess, **settings: str) -> dict[str, str]:
    chosen = load({f"SLIPWAY_{name.upper()}": value for name, value in settings.items()})
    return {name: value for name, (value, _) in wanted(chosen, authority).items()}


def test_the_platform_gets_its_certificates_there(authority: AuthorityProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.demo.authority.platform_settings.next_free_port", lambda first: first)
    found = values(authority)
    assert found == {
        "SLIPWAY_HTTPS_LISTEN": "8443",
        "SLIPWAY_ACME_DIRECTORY": "https://127.0.0.1:14000/dir",
        "SLIPWAY_ACME_CA_BUNDLE": str(authority.ca_bundle),
        "SLIPWAY_ACME_HTTP_PORT": "8080",
        "SLIPWAY_PUBLIC_ADDRESSES": "127.0.0.1",
        "SLIPWAY_DNS_RESOLVERS": "127.0.0.1:8053",
    }
    load(found)  # all of them are settings


def test_https_is_beside_http_at_a_port_that_is_free(authority: AuthorityProcess) -> None:
    port = int(values(authority, http_listen="127.0.0.1:8080")["SLIPWAY_HTTPS_LISTEN"].removeprefix("127.0.0.1:"))
    with socket.create_server(("127.0.0.1", port)):
        another = values(authority, http_listen="127.0.0.1:8080")["SLIPWAY_HTTPS_LISTEN"]
    assert another != f"127.0.0.1:{port}"


def test_a_second_demo_keeps_the_port_of_the_first(authority: AuthorityProcess) -> None:
    kept = values(authority, https_listen="9443", acme_ca_bundle=str(authority.ca_bundle))
    assert kept["SLIPWAY_HTTPS_LISTEN"] == "9443"


@pytest.mark.parametrize(
    ("listen", "found"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:81", ("127.0.0.1", 81)),
        ("[::]:82", ("127.0.0.1", 82)),
        ("10.0.0.5:83", ("10.0.0.5", 83)),
    ],
)
def test_the_authority_asks_where_the_edge_listens(listen: str, found: tuple[str, int]) -> None:
    assert edge_of(load({"SLIPWAY_HTTP_LISTEN": listen})) == found


@pytest.mark.parametrize(
    "own",
    [
        {"SLIPWAY_HTTPS_LISTEN": "443"},
        {"SLIPWAY_ACME_CA_BUNDLE": "/etc/ssl/own-authority.pem"},
        {"SLIPWAY_PUBLIC_ADDRESSES": "203.0.113.7"},
        {"SLIPWAY_DNS_RESOLVERS": "192.0.2.53"},
    ],
)
def test_where_https_is_somebody_elses_the_demo_changes_nothing(
    authority: AuthorityProcess, own: dict[str, str]
) -> None:
    with pytest.raises(Conflict) as refused:
        check_no_other(load(own), authority)
    assert next(iter(own)) in refused.value.message


def test_its_own_settings_of_a_run_before_are_no_reason_to_refuse(authority: AuthorityProcess) -> None:
    check_no_other(load(values(authority)), authority)
    check_no_other(load({}), authority)
