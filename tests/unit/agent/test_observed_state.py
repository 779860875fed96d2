"""What the runtime reported is believed before its listing says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.agent.observed_state import ObservedState
from slipway.ports.runtime import Change, Happened, Observed
from tests.contracts.runtime_rigs import FakeRig
from tests.fakes import FakeRuntime


class Lagging(FakeRuntime):
    """Lists as running what died already, as Docker does while it tears the network down."""

    def list(self) -> list[Observed]:
        return [replace(each, running=True, exit_code=None, oom_killed=False) for each in super().list()]


@pytest.fixture
def rig() -> FakeRig:
    made = FakeRig()
    made.runtime = made.fake = Lagging()
    return made


@pytest.fixture
def container_id(rig: FakeRig) -> str:
    return rig.runtime.start(rig.spec()).container_id


def report(observed_state: ObservedState, container_id: str, what: Happened, exit_code: int | None = None) -> Observed:
    """What is known after it."""
    observed_state.report(Change(41, "r-acme-10", container_id, what, 0.0, exit_code))
    (one,) = observed_state.of(41)
    return one


def test_one_that_died_does_not_run_whatever_the_listing_says(rig: FakeRig, container_id: str) -> None:
    observed_state = ObservedState(rig.runtime, max_age_s=600)
    assert observed_state.of(41)[0].running
    rig.fake.die(container_id, exit_code=3)
    seen = report(observed_state, container_id, Happened.DIED, 3)
    assert (seen.running, seen.exit_code, seen.address, seen.oom_killed) == (False, 3, None, False)
    assert not observed_state.of(41)[0].running, "also later"


def test_lack_of_memory_is_known_while_it_runs_and_when_it_died(rig: FakeRig, container_id: str) -> None:
    observed_state = ObservedState(rig.runtime, max_age_s=600)
    seen = report(observed_state, container_id, Happened.OUT_OF_MEMORY)
    assert (seen.running, seen.oom_killed) == (True, True)
    assert observed_state.is_out_of_memory(container_id)
    seen = report(observed_state, container_id, Happened.DIED, 137)
    assert (seen.running, seen.exit_code, seen.oom_killed) == (False, 137, True)


def test_one_that_starts_again_runs(rig: FakeRig, container_id: str) -> None:
    observed_state = ObservedState(rig.runtime, max_age_s=600)
    report(observed_state, container_id, Happened.DIED, 1)
    assert report(observed_state, container_id, Happened.STARTED).running


def test_after_a_gap_only_the_listing_counts(rig: FakeRig, container_id: str) -> None:
    observed_state = ObservedState(rig.runtime, max_age_s=600)
    report(observed_state, container_id, Happened.DIED, 1)
    observed_state.forget_reports()
    assert observed_state.of(41)[0].running


def test_reports_on_what_is_gone_are_forgotten(rig: FakeRig, container_id: str) -> None:
    observed_state = ObservedState(rig.runtime, max_age_s=0)
    report(observed_state, container_id, Happened.OUT_OF_MEMORY)
    rig.runtime.remove(container_id)
    assert observed_state.of(41) == ()
    assert not observed_state.is_out_of_memory(container_id)
