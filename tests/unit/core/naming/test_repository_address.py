"""One grammar reads a clone address, and writes the form that git, curl and ssh get to see."""

from __future__ import annotations

from contextlib import suppress

import pytest

from slipway.core.naming import repository_address, validation
from slipway.errors import InvalidInput
from tests.fixtures.repository_spellings import ADDRESSES_INSIDE, FINE


@pytest.mark.parametrize("listed", [(), ("public",), ("public", "git.example.org")], ids=str)
def test_no_spelling_of_an_address_inside_is_taken(listed: tuple[str, ...]) -> None:
    taken = []
    for spelling in ADDRESSES_INSIDE:
        with suppress(InvalidInput):
            taken.append((spelling, validation.repository_url(spelling.replace("{port}", "8080"), listed)))
    assert taken == []
    assert len(set(ADDRESSES_INSIDE)) >= 80


@pytest.mark.parametrize(("given", "written"), FINE.items())
def test_an_address_is_written_anew_and_then_stays(given: str, written: str) -> None:
    assert validation.repository_url(given) == written
    assert validation.repository_url(written) == written
    assert repository_address.parse(written).url == written
    assert validation.repository_identity(given) == validation.repository_identity(written)
