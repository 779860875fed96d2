"""A sign-in leads to a path of its own host, however the text is read."""

from __future__ import annotations

import pytest

from slipway.core.identity.local_path import MOST, local_path


@pytest.mark.parametrize(
    "text",
    ["/", "/apps", "/apps?sort=name#top", "/a/b%20c", "/a%2fb", "/x?to=//evil", "/x?a=%5cb", "/authors", "/a//b"],
)
def test_a_path_is_kept(text: str) -> None:
    assert local_path(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "evil.example",
            "//evil",
            "///evil",
            "/\\evil",
            "\\\\evil",
            "https:evil",
            "https://evil",
            "javascript:x",
        ),
        *("/%2fevil", "/%2Fevil", "/%5cevil", "/%252fevil", "/%25252fevil", "%2f%2fevil", "/\t/evil", "/%09/evil"),
        *(
            "/a\\b",
            "/a%5cb",
            " /a",
            "/a b",
            "/a\r\nSet-Cookie: x=y",
            "/a%0d%0aSet-Cookie: x=y",
            "/a%00",
            "/ä",
            "\udcff",
        ),
        *("/auth", "/auth/", "/auth/login", "/Auth/login", "/%61uth/login", "/%2561uth/login", "/auth?x", "/auth#x"),
        "/" + "a" * MOST,
    ],
)
def test_all_else_leads_to_the_first_page(text: str) -> None:
    assert local_path(text) == "/"


def test_which_paths_lead_into_a_sign_in_again_is_the_hosts_to_say() -> None:
    assert local_path("/auth/login", reserved="/.slipway") == "/auth/login"
    assert local_path("/.slipway/sign-out", reserved="/.slipway") == "/"
