"""Which messages ask for no deployment."""

from __future__ import annotations

import pytest

from slipway.core.push.payload_fields import MESSAGE_LENGTH
from slipway.core.push.skip_request import mark_in


@pytest.mark.parametrize(
    "mark",
    [
        "[skip ci]",
        "[ci skip]",
        "[no ci]",
        "[skip deploy]",
        "[deploy skip]",
        "[no deploy]",
        "[Skip CI]",
        "[SKIP DEPLOY]",
    ],
)
def test_a_mark_counts_in_any_case_and_anywhere(mark: str) -> None:
    for message in (mark, f"Fix a typo {mark}", f"Fix a typo\n\nOnly words. {mark}\n"):
        assert mark_in(message) == mark


@pytest.mark.parametrize(
    "message",
    ["", "skip ci", "[skip  ci]", "[skip-ci]", "[skip ci", "(skip ci)", "[ci no]", "[skip cinema]", "[skip actions]"],
)
def test_anything_else_is_no_mark(message: str) -> None:
    assert mark_in(message) == ""


def test_the_first_of_several_is_named() -> None:
    assert mark_in("[no ci] and [skip deploy]") == "[no ci]"


def test_what_no_delivery_reports_of_a_message_is_not_looked_at() -> None:
    assert mark_in("x" * MESSAGE_LENGTH + "[skip ci]") == ""
