from __future__ import annotations

from typing import Any

import pytest

from slipway.core.deployment.app_state import app_state
from slipway.core.deployment.states import State

NOTHING: dict[str, Any] = {"deploying": False, "live": False, "latest": None, "wanted": 1, "ready": 0, "crashed": 0}
LIVE: dict[str, Any] = NOTHING | {"live": True, "latest": State.LIVE, "ready": 1}


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (NOTHING, "empty"),
        (NOTHING | {"latest": State.CANCELLED}, "empty"),
        (NOTHING | {"latest": State.FAILED}, "failed"),
        (NOTHING | {"latest": State.QUEUED, "deploying": True}, "deploying"),
        (LIVE, "running"),
        (LIVE | {"latest": State.FAILED}, "running"),
        (LIVE | {"deploying": True}, "deploying"),
        (LIVE | {"wanted": 0}, "stopped"),
        (LIVE | {"ready": 1, "crashed": 1}, "running"),
        (LIVE | {"ready": 0, "crashed": 1}, "failed"),
        (LIVE | {"ready": 0}, "deploying"),
    ],
)
def test_how_an_app_is_doing(facts: dict[str, Any], state: str) -> None:
    assert app_state(**facts) == state
