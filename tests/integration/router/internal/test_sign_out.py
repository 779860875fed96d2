"""Signing out on an app's host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.identity.sign_on import HOST, ORIGIN, OWN_FORM, Edge, cookies_of


def test_signing_out_asks_first(edge: Edge) -> None:
    cookie = edge.app_session()
    page = edge.browse("/.slipway/sign-out", Cookie=f"slipway-session={cookie}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert '<form method="post" action="/.slipway/sign-out">' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= {x.strip() for x in policy.split(";")}
    assert edge.verdict(cookie=cookie)["known"] is True


def test_signing_out_ends_the_session_everywhere_and_goes_on_to_the_provider(
    edge_with_provider: Edge, provider: OidcProvider
) -> None:
    edge, parent = edge_with_provider, edge_with_provider.signed_in()
    here, there = edge.app_session(parent), edge.app_session(parent, "other.localhost")
    session = edge.sign_on.sessions.read(parent)
    assert session is not None
    answer = edge.browse("/.slipway/sign-out", "POST", Cookie=f"slipway-session={here}", **OWN_FORM)
    assert answer.status_code == 200
    assert f'content="0;url={provider.issuer}/protocol/openid-connect/logout?' in answer.text
    assert "id_token_hint=an+id+token" in answer.text
    assert cookies_of(answer) == {"slipway-session": ""}
    assert edge.sign_on.sessions.read(parent) is None
    assert edge.verdict(cookie=here)["known"] is False
    assert edge.verdict(cookie=there, host="other.localhost")["known"] is False
    reported: Any = edge.services.redis.xrange("slipway:identity:changes")
    assert {b"subject": f"session:{session.id}".encode()} in [fields for _, fields in reported]


def test_signing_out_works_while_the_provider_does_not_answer(edge: Edge) -> None:
    cookie = edge.app_session()
    answer = edge.browse("/.slipway/sign-out", "POST", Cookie=f"slipway-session={cookie}", **OWN_FORM)
    assert "You are signed out here" in answer.text
    assert edge.verdict(cookie=cookie)["known"] is False


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://other.localhost:8080", "Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": f"https://{HOST}:8080"},
        {"Origin": f"http://{HOST}"},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
        {"Origin": ORIGIN, "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "none"},
        {"Referer": f"{ORIGIN}/.slipway/sign-out"},
        {},
    ],
)
def test_no_other_site_signs_anybody_out(edge: Edge, headers: dict[str, str]) -> None:
    cookie = edge.app_session()
    answer = edge.browse("/.slipway/sign-out", "POST", Cookie=f"slipway-session={cookie}", **headers)
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (403, [])
    assert edge.verdict(cookie=cookie)["known"] is True


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43])
def test_who_is_not_signed_in_can_sign_out(edge: Edge, cookie: str) -> None:
    answer = edge.browse("/.slipway/sign-out", "POST", Cookie=f"slipway-session={cookie}", **OWN_FORM)
    assert (answer.status_code, cookies_of(answer)) == (200, {"slipway-session": ""})
