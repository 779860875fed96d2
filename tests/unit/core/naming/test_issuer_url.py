"""An issuer has one spelling, and leads where the settings allow."""

from __future__ import annotations

import pytest

from slipway.core.naming import issuer_url
from slipway.errors import InvalidInput

PUBLIC = ("public",)


@pytest.mark.parametrize(
    "url",
    [
        "https://token.actions.githubusercontent.com",
        "https://gitlab.com",
        "https://ghe.example.org/_services/token",
        "https://example.org:8443/realms/ci",
        "https://tenant.auth0.example/",
        "https://oidc.example.org/org/7f9c-4b",
    ],
)
def test_an_issuer(url: str) -> None:
    assert issuer_url.parse(url, PUBLIC) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gitlab.com",
        "http://gitlab.com",
        "HTTPS://gitlab.com",
        "https://GitLab.com",
        "https://gitlab.com.",
        "https://gitlab.com:443",
        "https://gitlab.com/?a=b",
        "https://gitlab.com/#a",
        "https://gitlab.com/../x",
        "https://gitlab.com//x",
        "https://gitlab.com/%2e%2e",
        "https://a@gitlab.com",
        "https://gitlab.com\\@evil.example",
        "https://gitlab.com ",
        "https://gitlab.com\n",
        "https://gitlab.com:99999",
        "https://10.0.0.1",
        "https://[::1]",
        "https://a.localhost",
        "https://127.1",
        "https://" + "a/" * 300,
        "ftp://gitlab.com",
    ],
)
def test_what_is_none(url: str) -> None:
    with pytest.raises(InvalidInput):
        issuer_url.parse(url, PUBLIC)


def test_a_list_without_public_allows_its_own_hosts_alone() -> None:
    assert issuer_url.parse("https://ci.example.org", ("ci.example.org",))
    assert issuer_url.parse("http://10.0.0.1:8000", ("10.0.0.1:8000",)), "its owner says so"
    with pytest.raises(InvalidInput, match="not allowed here"):
        issuer_url.parse("https://gitlab.com", ("ci.example.org",))
