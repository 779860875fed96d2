"""Who may connect which installation of the GitHub App, and what is kept of the App's registration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from slipway.adapters.github import api, people, registering
from slipway.core.github import addresses
from slipway.core.github.manifest import OF_APP, manifest
from slipway.errors import DependencyUnavailable, GitHubRefused, InvalidInput, NotAllowed
from tests.fixtures.github.server import APP_ID, PEM, PREFIX, GitHub, github


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as known:
        known.add_installation(55, "ann")
        known.add_installation(66, "acme", is_organization=True)
        known.add_installation(77, "globex", is_organization=True)
        yield known
        assert known.faults == []


def test_own_accounts_and_owned_organizations_may_be_connected_and_no_others(hub: GitHub) -> None:
    hub.users["code"] = "ann"
    hub.administers.add(("ann", "acme"))
    login, found = people.administered(hub.registration, "code")
    assert (login, [each.id for each in found]) == ("ann", [55, 66])


def test_whoever_only_sees_an_installation_may_not_connect_it(hub: GitHub) -> None:
    hub.users["code"] = "eve"
    assert people.administered(hub.registration, "code") == ("eve", [])


def test_a_code_is_good_once(hub: GitHub) -> None:
    hub.users["code"] = "ann"
    people.administered(hub.registration, "code")
    with pytest.raises(NotAllowed):
        people.administered(hub.registration, "code")


def test_an_app_is_registered_with_its_keys(hub: GitHub) -> None:
    registration, secret = registering.register(hub.url + PREFIX, "good-code")
    assert (registration.app_id, registration.slug, registration.key) == (APP_ID, "slipway-test", PEM)
    assert secret
    assert PEM not in repr(registration)


@pytest.mark.parametrize(
    ("code", "error"), [("another", GitHubRefused), ("../../user", InvalidInput), ("", InvalidInput)]
)
def test_another_code_registers_nothing(hub: GitHub, code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        registering.register(hub.url + PREFIX, code)


def test_the_manifest_leads_back_to_the_platform() -> None:
    made = manifest("https://slipway.example.org/", "slipway")
    assert made["hook_attributes"]["url"] == "https://slipway.example.org/webhooks/github-app"
    assert made["redirect_url"] == "https://slipway.example.org/platform/github/registered"
    assert made["callback_urls"] == ["https://slipway.example.org/tenant/github/installed"]
    assert "administration" not in OF_APP


@pytest.mark.parametrize(
    ("url", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://git.example.org/api/v3/", "https://git.example.org"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
    ],
)
def test_githubs_own_address_is_known_by_that_of_its_api(url: str, web: str) -> None:
    assert addresses.web_url(url) == web


@pytest.mark.parametrize(
    ("identity", "found"),
    [
        ("github.com/acme/shop", ("acme", "shop")),
        ("github.com.evil.example/acme/shop", None),
        ("api.github.com/acme/shop", None),
        ("github.com/acme/shop/wiki", None),
        ("github.com/acme/..", None),
        ("github.com/acme/sh%2fop", None),
    ],
)
def test_a_repository_is_githubs_by_its_host(identity: str, found: Any) -> None:
    assert addresses.repository_at("https://api.github.com", identity) == found


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(502), DependencyUnavailable),
        (httpx.Response(429), DependencyUnavailable),
        (httpx.Response(403, headers={"x-ratelimit-remaining": "0"}), DependencyUnavailable),
        (httpx.Response(403, json={"message": "Resource not accessible"}), GitHubRefused),
        (httpx.Response(301, headers={"location": "https://evil.example"}), GitHubRefused),
        (httpx.Response(404, content=b"<html>"), GitHubRefused),
        (httpx.Response(200, content=b"x" * (api.MOST_BYTES + 1)), DependencyUnavailable),
    ],
)
def test_what_github_answers_badly_is_later_or_never(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, error: type[Exception]
) -> None:
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda *_: answer)
    with pytest.raises(error):
        api.GitHubApi("https://api.github.com").call("GET", "/user", "token")
