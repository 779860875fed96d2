"""A request is from a page of ours when its browser says so; any doubt counts against it."""

from __future__ import annotations

import pytest

from router.identity.request_origin import require_own_page
from slipway.errors import CrossSiteRequest

URL = "https://slipway.example.org"


@pytest.mark.parametrize(
    ("public_url", "fetch_site", "origin"),
    [
        (URL, "same-origin", URL),
        (URL, "same-origin", ""),
        (URL, "same-origin", "null"),
        (URL, "", URL),
        (URL, "", f"{URL}:443"),
        (f"{URL}/", "", "https://SLIPWAY.example.org"),
        ("http://slipway.localhost:8080", "", "http://slipway.localhost:8080"),
    ],
)
def test_a_page_of_ours(public_url: str, fetch_site: str, origin: str) -> None:
    require_own_page(public_url, fetch_site, origin)


@pytest.mark.parametrize("origin", ["", "null", "https://[x", "https://x:99999"])
def test_two_origins_that_nobody_can_read_are_not_one(origin: str) -> None:
    with pytest.raises(CrossSiteRequest):
        require_own_page("http://app:99999", "", origin)


@pytest.mark.parametrize(
    ("fetch_site", "origin"),
    [
        ("", ""),
        ("", "null"),
        ("", "http://slipway.example.org"),
        ("", f"{URL}:8443"),
        ("", f"{URL}.evil.example"),
        ("", "https://evil.example/slipway.example.org"),
        ("", "https://slipway.example.org@evil.example"),
        ("", "https://[slipway.example.org"),
        ("", f"{URL}:99999"),
        ("", f"{URL} {URL}"),
        ("cross-site", URL),
        ("same-site", URL),
        ("none", URL),
        ("SAME-ORIGIN", URL),
        ("same-origin, cross-site", URL),
    ],
)
def test_a_page_that_may_be_anothers(fetch_site: str, origin: str) -> None:
    with pytest.raises(CrossSiteRequest) as refused:
        require_own_page(URL, fetch_site, origin)
    assert refused.value.code == "cross-site-request"
    assert URL in refused.value.remedy
