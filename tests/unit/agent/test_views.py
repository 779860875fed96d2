"""What was read of an app becomes the view that the rollout decides on, without any I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from builder.agent.rollout.remembered import ReplicaHints
from builder.agent.rollout.views import AppViews, Observations, Rows, needs_confirmations, out_of_routes
from slipway.core.app_settings.configuration import Defaults, snapshot
from slipway.core.app_settings.model import AppSettings
from slipway.core.rollout.probe_pace import ProbePace
from slipway.core.rollout.view import Draining, Probe, View
from slipway.models import App, Deployment, Release, Replica
from slipway.ports.routes import UnderWay
from slipway.ports.runtime import Observed

NOW = 1_000.0
HOST = Defaults(
    memory_bytes=1 << 28,
    cpus=1,
    pids=100,
    probe_timeout_s=30,
    watch_s=10,
    drain_grace_s=5,
    stop_grace_s=2,
    pre_deploy_timeout_s=60,
)


def release(id_: int) -> Release:
    frozen = snapshot(AppSettings(), HOST, variables={}, exposed_port=None)
    return Release(id=id_, environment="production", configuration=frozen.to_json())


def deployment(id_: int, **values: Any) -> Deployment:
    given = {"kind": "push", "state": "live", "steps": [], "environment": "production", "release_id": id_}
    return Deployment(**({"id": id_, "sequence": id_, "image_sequence": id_} | given | values))


def replica(name: str, release_id: int, **values: Any) -> Replica:
    given = {"process": "web", "slot": 1, "environment": "production", "container_id": f"c-{name}", "restarts": 0}
    return Replica(**({"id": name, "release_id": release_id, "state": "ready"} | given | values))


def rows(*replicas: Replica, deployments: tuple[Deployment, ...] = (), **values: Any) -> Rows:
    given: dict[str, Any] = {
        "app": App(id=1, deleted_at=None),
        "deployments": deployments or (deployment(1),),
        "releases": {1: release(1), 2: release(2)},
        "replicas": replicas,
        "targets": {},
        "previous": {},
        "removed_in": {},
        "scale": {("production", "web"): 2},
        "edges": ["edge-1"],
        "held_by_runs": {},
    }
    return Rows(**(given | values))


def observations(found: Rows, **values: Any) -> Observations:
    given: dict[str, Any] = {"now": NOW, "rows": found, "containers": {}, "busy": frozenset(), "hints": {}}
    return Observations(**(given | values))


def view(found: Observations) -> View:
    return AppViews(found, confirm_timeout_s=60).of("production")


def container(name: str) -> Observed:
    return Observed(
        container_id=f"c-{name}",
        replica_id=name,
        app_id=1,
        tenant_id=1,
        environment="production",
        process="web",
        release_id=1,
        slot=1,
        running=True,
        paused=False,
        address="10.0.0.2",
        exit_code=None,
        oom_killed=False,
        started_at=NOW - 5,
    )


def test_a_replica_is_its_row_its_container_its_target_and_its_hints() -> None:
    found = observations(
        rows(replica("r-1", 1, state="starting"), targets={"r-1": False}),
        containers={"r-1": container("r-1")},
        busy=frozenset({"replica:r-1"}),
        hints={"r-1": ReplicaHints(probe=Probe(ProbePace(3)))},
    )
    [seen] = view(found).replicas
    assert (seen.state, seen.recorded, seen.target, seen.standby) == ("starting", "c-r-1", True, False)
    assert (seen.runs, seen.busy, seen.probe) == (True, True, Probe(ProbePace(3)))


def test_one_without_a_container_or_hints_is_seen_too() -> None:
    [seen] = view(observations(rows(replica("r-1", 1, container_id=None)))).replicas
    assert (seen.container, seen.recorded, seen.probe, seen.refusal, seen.busy) == (None, None, None, None, False)


def test_what_is_live_wants_as_many_replicas_as_its_scale_says() -> None:
    live = view(observations(rows())).live
    assert live is not None
    assert (live.deployment_id, live.release.wanted) == (1, {"web": 2})


def test_a_deleted_app_has_nothing_live_and_stops_what_comes() -> None:
    coming = deployment(2, state="starting", stop_requested=None)
    gone = App(id=1, deleted_at=datetime.now(UTC))
    seen = view(observations(rows(deployments=(deployment(1), coming), app=gone)))
    assert (seen.live, seen.rolling) == (None, None)
    assert [(each.deployment_id, each.state) for each in seen.stopped] == [(2, "cancelled")]


def test_a_draining_replica_knows_when_it_was_confirmed_and_what_is_under_way() -> None:
    found = rows(replica("r-1", 1, state="draining"), removed_in={"r-1": 4})
    assert needs_confirmations(found)
    assert (out_of_routes(found, None), out_of_routes(found, 3), out_of_routes(found, 4)) == ([], [], ["r-1"])
    waiting = observations(found, confirmed=3)
    assert view(waiting).replicas[0].draining == Draining(4, grace_s=5, stream_grace_s=view_grace(waiting))
    quiet = replace(
        waiting, confirmed=4, confirmed_at={"r-1": NOW - 2}, under_way={"r-1": UnderWay(requests=2, streams=1)}
    )
    draining = view(quiet).replicas[0].draining
    assert draining is not None
    assert (draining.confirmed_at, draining.inflight, draining.streams) == (NOW - 2, 2, 1)


def test_without_a_report_of_an_edge_what_is_under_way_is_unknown() -> None:
    found = rows(replica("r-1", 1, state="draining"), removed_in={"r-1": 4})
    draining = view(observations(found, confirmed=4, confirmed_at={"r-1": NOW}, under_way=None)).replicas[0].draining
    assert draining is not None
    assert (draining.confirmed_at, draining.inflight, draining.streams) == (NOW, None, None)


def view_grace(found: Observations) -> float:
    return float(found.rows.releases[1].configuration["stream_grace_s"])
