"""What tests of decisions look at: a replica of the release that is live, and one of the release that is new."""

from __future__ import annotations

from typing import Any

from slipway.core.deployment.states import Kind, State
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.view import Container, Draining, Live, Release, Replica, Rolling, View

NOW = 1_000.0
UNHEALTHY = ProbeError(ProbeCause.BAD_STATUS, "GET :8080/health answered 500", "/health", 500)
OLD = Release(1, {"web": 1})
NEW = Release(2, {"web": 1})
LIVE = Live(10, OLD)
ROLLING = Rolling(11, Kind.PUSH, State.STARTING, NEW)


def replica(name: str = "new", **values: Any) -> Replica:
    """A running replica of the new release that is not yet ready."""
    container = Container(f"c-{name}", running=True, started_at=NOW - 5)
    given: dict[str, Any] = {
        "id": name,
        "process": "web",
        "release_id": 2,
        "slot": 1,
        "state": "starting",
        "container": container,
        "recorded": f"c-{name}",
    }
    return Replica(**(given | values))


def old(name: str = "old", **values: Any) -> Replica:
    """A ready replica of the live release, in the route table."""
    return replica(name, **({"release_id": 1, "state": "ready", "target": True} | values))


def view(*replicas: Replica, **values: Any) -> View:
    return View(**({"now": NOW, "live": LIVE, "replicas": replicas, "confirmed": 5} | values))


def dead(name: str = "new", code: int = 1, *, oom: bool = False) -> Container:
    return Container(f"c-{name}", running=False, exit_code=code, oom_killed=oom, started_at=NOW - 5)


QUIET = old(state="draining", target=False, draining=Draining(4, NOW - 2, 0, 30))
