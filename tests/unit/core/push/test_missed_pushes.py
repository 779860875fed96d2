"""Whether a branch's head was missed."""

from __future__ import annotations

import pytest

from slipway.core.push.missed_pushes import Decided, is_missed

HEAD, LATE, OTHER = "a" * 40, "b" * 40, "c" * 40


@pytest.mark.parametrize(
    ("decided", "missed"),
    [
        (Decided(HEAD), False),
        (Decided(LATE), True),
        (Decided(HEAD, or_else=frozenset({LATE})), False),
        (Decided(OTHER, or_else=frozenset({HEAD})), False),
        (Decided(OTHER, or_else=frozenset({LATE})), True),
        (Decided(None, or_else=frozenset({HEAD})), False),
        (Decided(OTHER, is_compared=False), False),
    ],
)
def test_what_was_cancelled_before_anybody_compared_it_makes_no_head_missed(decided: Decided, *, missed: bool) -> None:
    assert is_missed(HEAD, decided, None) is missed
