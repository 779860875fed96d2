"""The first seconds of a start are quick, and a slow start fills no log."""

from __future__ import annotations

from slipway.core.rollout.failure import ProbeCause
from slipway.core.rollout.probe_pace import NOT_PROBED, ProbePace


def tries_within(seconds: float, cause: ProbeCause, pace: ProbePace = NOT_PROBED) -> int:
    """Probes that take no time themselves."""
    passed, tries = 0.0, 0
    while passed <= seconds:
        pace, tries = pace.after(cause), tries + 1
        passed += pace.pause_s
    return tries


def test_the_first_probe_waits_for_nothing() -> None:
    assert ProbePace().pause_s == 0


def test_while_nothing_listens_a_start_is_noticed_within_a_twentieth_of_its_time() -> None:
    assert tries_within(1, ProbeCause.REFUSED) >= 40
    pace, passed = ProbePace(), 0.0
    while passed < 10:
        pace = pace.after(ProbeCause.REFUSED)
        passed += pace.pause_s
        assert pace.pause_s <= 0.005 + 0.06 * passed


def test_an_app_that_answers_badly_is_asked_forty_times_in_half_a_minute() -> None:
    assert 5 <= tries_within(1, ProbeCause.BAD_STATUS) <= 12
    assert tries_within(30, ProbeCause.BAD_STATUS) <= 45


def test_the_pause_never_gets_longer_than_a_second() -> None:
    assert tries_within(1000, ProbeCause.REFUSED) >= 1000
    assert tries_within(1000, ProbeCause.BAD_STATUS, ProbePace(5000, 2000)) >= 1000


def test_an_app_that_answers_after_a_long_silence_is_not_asked_more_often_again() -> None:
    silent = ProbePace()
    for _ in range(100):
        silent = silent.after(ProbeCause.REFUSED)
    assert silent.after(ProbeCause.BAD_STATUS).pause_s >= silent.pause_s
