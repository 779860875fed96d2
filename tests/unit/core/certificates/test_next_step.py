"""What is said of a certificate's future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.certificates.next_step import Standing, is_alarming, next_step
from slipway.core.certificates.states import State

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
END = NOW + timedelta(days=30)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (Standing(State.WAITING), "being issued"),
        (Standing(State.ISSUED, renew_at=END), "it is renewed at 2026-05-31 12:00:00 UTC"),
        (Standing(State.WAITING, is_own=True, renew_at=NOW), "being put in place"),
        (Standing(State.ISSUED, is_own=True, renew_at=NOW, not_after=END), "being put in place"),
        (
            Standing(State.ISSUED, is_own=True, not_after=END, own_is_served=True),
            "before 2026-05-31 12:00:00 UTC give the next one: slipway certificates add",
        ),
        (Standing(State.ISSUED, not_after=END, renew_at=NOW, own_is_served=True), "until then the own one is served"),
        (
            Standing(
                State.ISSUED, "dns-not-here", "set the record", renew_at=NOW, own_is_served=True, next_attempt_at=END
            ),
            "set the record; the next attempt is at 2026-05-31",
        ),
    ],
)
def test_the_next_step_is_named(standing: Standing, said: str) -> None:
    assert said in next_step(standing)


def test_an_own_one_is_alarming_as_every_other_is() -> None:
    own = Standing(State.ISSUED, not_before=NOW - timedelta(days=60), not_after=END, is_own=True, own_is_served=True)
    assert not is_alarming(own, NOW)
    assert is_alarming(own, NOW + timedelta(days=8))
