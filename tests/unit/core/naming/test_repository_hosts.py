"""Which hosts repositories may be cloned from."""

from __future__ import annotations

import pytest

from slipway.core.naming.validation import repository_url
from slipway.errors import InvalidInput

PUBLIC, LOOPBACK = "https://github.com/acme/shop.git", "http://127.0.0.1:8085/demo/hello.git"


def test_a_listed_host_is_allowed_beside_every_public_one() -> None:
    allowed = ("public", "127.0.0.1:8085")

    assert repository_url(PUBLIC, allowed) == PUBLIC
    assert repository_url(LOOPBACK, allowed) == LOOPBACK


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/a/b.git", "http://10.0.0.1/a/b.git", "http://[::1]/a/b.git"])
def test_public_hosts_are_none_inside(url: str) -> None:
    with pytest.raises(InvalidInput):
        repository_url(url, ("public", "127.0.0.1:8085"))


def test_a_list_without_public_allows_only_what_it_names() -> None:
    with pytest.raises(InvalidInput):
        repository_url(PUBLIC, ("git.example.org",))
