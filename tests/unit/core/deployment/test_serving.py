from __future__ import annotations

import pytest

from slipway.core.deployment.serving import Serving, meaning
from slipway.core.deployment.states import State

SERVING = Serving(3, "77ab0d1", ready=2, wanted=2)


def test_a_release_with_ready_replicas_serves_on() -> None:
    assert meaning(State.FAILED, SERVING, "shop") == "v3 (77ab0d1) serves on."


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (2, "Nothing serves: no replica of v3 (77ab0d1) is ready (slipway ps --all -a shop)."),
        (0, "Nothing serves: v3 (77ab0d1) is scaled to 0 (slipway scale 1 -a shop)."),
    ],
)
def test_a_release_without_ready_replicas_is_not_said_to_serve(wanted: int, sentence: str) -> None:
    assert meaning(State.FAILED, Serving(3, "77ab0d1", ready=0, wanted=wanted), "shop") == sentence


def test_a_first_deployment_that_failed_leaves_nothing_that_serves() -> None:
    assert meaning(State.FAILED, None, "shop").startswith("There is no earlier release")
    assert meaning(State.CANCELLED, None, "shop") == ""


@pytest.mark.parametrize("state", [State.LIVE, State.RETIRED, State.SKIPPED, State.BUILDING])
def test_what_went_well_or_goes_on_means_nothing_else(state: State) -> None:
    assert meaning(state, SERVING, "shop") == ""
