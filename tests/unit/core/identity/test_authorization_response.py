"""The query that a browser brings back: anybody may have written it."""

from __future__ import annotations

import pytest

from slipway.core.identity.authorization_response import AuthorizationResponse, parse
from slipway.errors import NotAuthenticated


def test_code_state_and_issuer_are_read_and_the_rest_is_left() -> None:
    found = parse("state=s%2B1&session_state=x&iss=https%3A%2F%2Fid.example&code=c-1&code_verifier=no")
    assert found == AuthorizationResponse(state="s+1", code="c-1", issuer="https://id.example")


def test_a_refusal_is_read() -> None:
    assert parse("error=access_denied&state=s") == AuthorizationResponse(state="s", error="access_denied")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "no state"),
        ("code=c", "no state"),
        ("code=c&state=", "no state"),
        ("state=s", "neither a code nor an error"),
        ("state=s&code=", "neither a code nor an error"),
        ("state=s&code=c&error=access_denied", "or both"),
        ("state=s&code=c&code=d", "twice"),
        ("state=s&state=t&code=c", "twice"),
        ("state=s&code=c&iss=a&iss=b", "twice"),
        ("state=s&code=c&state=", "twice"),
        ("state=s&code=" + "c" * 5000, "too long"),
    ],
)
def test_a_query_that_can_be_read_in_two_ways_is_refused(query: str, why: str) -> None:
    with pytest.raises(NotAuthenticated, match=why):
        parse(query)


def test_neither_code_nor_state_is_printed() -> None:
    assert "secret" not in repr(parse("state=secret-1&code=secret-2"))
