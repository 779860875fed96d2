"""What an address asks for."""

from __future__ import annotations

import pytest

from router.console.asked import Asked
from router.usecases.overviews.containers import Order


def test_what_can_not_be_read_counts_as_not_given() -> None:
    asked = Asked("/x", {"order": "nonsense", "page": "-1", "q": "a" * 999}, ())
    assert asked.one_of("order", Order) is None
    assert asked.number("page") == 1
    assert len(asked.text("q")) == 200
    assert Asked("/x", {"order": "cpu", "page": "3"}, ()).one_of("order", Order) is Order.CPU


@pytest.mark.parametrize("page", ["٣", "1e3", "", " 1", "999999"])
def test_a_page_is_a_small_number(page: str) -> None:
    assert Asked("/x", {"page": page}, ()).number("page") == 1


def test_an_address_keeps_what_is_asked_for_but_the_page() -> None:
    asked = Asked("/x", {"q": "a&b", "page": "3", "evil": "1"}, ("q", "order"))
    assert asked.address(order="cpu") == "/x?q=a%26b&order=cpu"
    assert asked.address(q="") == "/x"
    assert asked.address_of("/y", page=2) == "/y?q=a%26b&page=2"
