"""Which cookie of a request is the session's: exactly the one that only this host could have set."""

from __future__ import annotations

import pytest

from router.identity.cookies import Cookies


@pytest.mark.parametrize(
    ("scheme", "header", "found"),
    [
        ("https", "a=1; __Host-slipway-session=x; b=2", "x"),
        ("https", " __Host-slipway-session = x ", "x"),
        ("https", "slipway-session=x", ""),
        ("https", "\xa0__Host-slipway-session=evil", ""),
        ("https", "\x85__Host-slipway-session=evil", ""),
        ("https", "\u2003__Host-slipway-session=evil", ""),
        ("https", "__Host-slipway-session=x; \xa0__Host-slipway-session=evil", "x"),
        ("https", "__Host-slipway-session=x; __Host-slipway-session=x", ""),
        ("http", "slipway-session=x", "x"),
        ("http", "\x1cslipway-session=evil", ""),
        ("http", "Slipway-Session=x", ""),
    ],
)
def test_the_sessions_cookie(scheme: str, header: str, found: str) -> None:
    assert Cookies(scheme).session_of(header) == found
    assert Cookies(scheme).login_of(header.replace("session", "login")) == found
