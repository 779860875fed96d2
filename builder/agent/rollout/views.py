"""From what was read of an app to the frozen view that the rollout decides on. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from builder.agent.rollout.remembered import ReplicaHints
from builder.agent.rollout.steps import needs_pre_deploy, pre_deploy_ended_well, switched, watched
from slipway.core.app_settings.configuration import PRODUCTION, Configuration
from slipway.core.app_settings.volumes import Mount, exclude_each_other
from slipway.core.deployment.ordering import GOES_ON, may_switch, must_refreeze, next_to_start
from slipway.core.deployment.states import Kind, State
from slipway.core.rollout import view
from slipway.core.rollout.replica_states import DRAINING
from slipway.domain import lifecycle
from slipway.models import App, Deployment, Release, Replica
from slipway.ports.routes import UnderWay
from slipway.ports.runtime import Observed


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one app that a pass needs, detached."""

    app: App
    deployments: Sequence[Deployment]
    releases: Mapping[int, Release]
    replicas: Sequence[Replica]
    targets: Mapping[str, bool]
    """Replica that the route table names → whether as standby."""
    previous: Mapping[int, Deployment]
    """Deployment id → the one that a watched deployment would give way to."""
    removed_in: Mapping[str, int | None]
    """Replica → the generation that took it out of the route table."""
    scale: Mapping[tuple[str, str], int]
    """(environment, process) → desired replicas."""
    edges: Sequence[str]
    held_by_runs: Mapping[str, Sequence[Mount]]
    """Environment → what runs mount that are under way."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that was read of one app for one round of a pass."""

    now: float
    """Unix seconds."""
    rows: Rows
    containers: Mapping[str, Observed]
    """By replica."""
    busy: frozenset[str]
    """Keys of background tasks that ran when the rows were read."""
    hints: Mapping[str, ReplicaHints]
    """By replica."""
    confirmed: int | None = None
    """The generation that every edge confirmed; None: unknown, or nothing waits for it."""
    confirmed_at: Mapping[str, float] | None = None
    """Draining replica → when every edge was first seen to have confirmed its removal."""
    under_way: Mapping[str, UnderWay] | None = None
    """By those replicas; None: an edge does not report."""


def environments(rows: Rows) -> list[str]:
    """Those in which the app has a deployment or a replica, and production."""
    deployed, running = {row.environment for row in rows.deployments}, {row.environment for row in rows.replicas}
    return sorted({PRODUCTION} | deployed | running)


def needs_confirmations(rows: Rows) -> bool:
    """Does a switch, or a replica that drains, wait for the edges?"""
    return any(switched(each) for each in rows.deployments) or any(row.state == DRAINING for row in rows.replicas)


def out_of_routes(rows: Rows, confirmed: int | None) -> list[str]:
    """Draining replicas that no edge sends new requests to, as every one of them has confirmed."""
    if confirmed is None:
        return []
    draining = (row.id for row in rows.replicas if row.state == DRAINING)
    removed_in = {each: rows.removed_in.get(each) for each in draining}
    return [each for each, generation in removed_in.items() if generation is not None and confirmed >= generation]


class AppViews:
    """Makes the views of one app's environments, all of one moment."""

    def __init__(self, observations: Observations, *, confirm_timeout_s: float) -> None:
        self._seen = observations
        self._rows = observations.rows
        self._confirm_timeout_s = confirm_timeout_s
        self._mounted = {
            each.id: Configuration.from_json(each.configuration).volumes for each in self._rows.releases.values()
        }

    def of(self, environment: str) -> view.View:
        deployments = [each for each in self._rows.deployments if each.environment == environment]
        live = next((each for each in deployments if each.state == State.LIVE), None)
        waiting = [each for each in deployments if each.state != State.LIVE]
        if self._is_deleted:
            live = None
        return view.View(
            now=self._seen.now,
            live=self._live(live) if live else None,
            rolling=self._rolling(live, waiting),
            stopped=tuple(self._stopped(waiting)),
            replicas=tuple(self._replica(row) for row in self._rows.replicas if row.environment == environment),
            confirmed=self._seen.confirmed,
            confirm_timeout_s=self._confirm_timeout_s,
        )

    @property
    def _is_deleted(self) -> bool:
        return self._rows.app.deleted_at is not None

    def _stopped(self, waiting: Iterable[Deployment]) -> Iterable[view.Stopped]:
        for each in waiting:
            if each.stop_requested or self._is_deleted:
                why = each.stop_why if each.stop_requested else "the app is being deleted"
                yield view.Stopped(each.id, State(each.stop_requested or State.CANCELLED), why)

    def _rolling(self, live: Deployment | None, waiting: Sequence[Deployment]) -> view.Rolling | None:
        going_on = {each.id: each for each in waiting if not each.stop_requested}
        chosen = next_to_start([each.candidate() for each in going_on.values()])
        if chosen is None or self._is_deleted:
            return None
        row = going_on[chosen.id]
        release = self._rows.releases.get(row.release_id) if row.release_id else None
        frozen = chosen.frozen and not must_refreeze(chosen, live.candidate() if live else None)
        return view.Rolling(
            deployment_id=row.id,
            kind=Kind(row.kind),
            state=State(row.state),
            release=self._release(release) if release and frozen else None,
            verdict=may_switch(chosen, live.candidate()) if live else GOES_ON,
            pre_deploy=self._pre_deploy(row, release) if release and frozen else "none",
            switched=switched(row),
        )

    def _pre_deploy(self, row: Deployment, release: Release) -> str:
        if not needs_pre_deploy(row, release):
            return "none"
        if pre_deploy_ended_well(row):
            return "done"
        return "running" if f"pre-deploy:{row.id}" in self._seen.busy else "due"

    def _live(self, row: Deployment) -> view.Live | None:
        release = self._rows.releases.get(row.release_id) if row.release_id else None
        if release is None:
            return None
        step = lifecycle.current_step(row)
        draining = step is not None and step["name"] == "drain"
        return view.Live(row.id, self._release(release), draining, self._watch(row))

    def _watch(self, row: Deployment) -> view.Watch | None:
        step = watched(row)
        if step is None:
            return None
        return view.Watch(float(step["started_at"]), float(step["until"]), self._before(row))

    def _before(self, row: Deployment) -> view.Previous | None:
        before = self._rows.previous.get(row.previous_id or 0)
        release = self._rows.releases.get(before.release_id or 0) if before else None
        if before is None or release is None or release.collected_at is not None or release.id == row.release_id:
            return None
        return view.Previous(before.id, self._release(release))

    def _release(self, release: Release) -> view.Release:
        configuration = Configuration.from_json(release.configuration)
        exclusive = configuration.exclusive
        of_environment = {
            process: count
            for (environment, process), count in self._rows.scale.items()
            if environment == release.environment
        }
        return view.Release(
            release.id,
            configuration.wanted(of_environment),
            configuration.probe_timeout_s,
            recreate=configuration.recreate,
            exclusive=bool(exclusive),
            memory_bytes=configuration.memory_bytes,
            watch_s=configuration.watch_s,
            excludes=frozenset(self._excluded_by(release)),
            held_back=configuration.held_back(self._rows.held_by_runs.get(release.environment, ())),
        )

    def _excluded_by(self, release: Release) -> Iterator[int]:
        """Other releases of its environment that must not run beside it."""
        for other in self._rows.releases.values():
            is_another = other.id != release.id and other.environment == release.environment
            if is_another and exclude_each_other(self._mounted[release.id], self._mounted[other.id]):
                yield other.id

    def _replica(self, row: Replica) -> view.Replica:
        hints = self._seen.hints.get(row.id, ReplicaHints())
        return view.Replica(
            id=row.id,
            process=row.process,
            release_id=row.release_id,
            slot=row.slot,
            state=row.state,
            container=_container(self._seen.containers.get(row.id)),
            recorded=row.container_id,
            target=self._rows.targets.get(row.id) is False,
            standby=self._rows.targets.get(row.id) is True,
            busy=f"replica:{row.id}" in self._seen.busy,
            stopping=row.state == DRAINING and row.ended_at is not None,
            probe=hints.probe,
            refusal=hints.refusal,
            restarts=row.restarts,
            retry_at=_seconds(row.retry_at),
            ready_at=_seconds(row.ready_at),
            draining=self._draining(row) if row.state == DRAINING else None,
            watch_probe=hints.watch_probe,
            watch_probe_runs=f"watch:{row.id}" in self._seen.busy,
        )

    def _draining(self, row: Replica) -> view.Draining:
        release = self._rows.releases.get(row.release_id)
        frozen = release.configuration if release else {}
        under_way = self._seen.under_way.get(row.id) if self._seen.under_way is not None else None
        return view.Draining(
            removed_in=self._rows.removed_in.get(row.id),
            confirmed_at=(self._seen.confirmed_at or {}).get(row.id),
            inflight=under_way.requests if under_way else None,
            grace_s=float(frozen.get("drain_grace_s", 0)),
            streams=under_way.streams if under_way else None,
            stream_grace_s=0.0 if self._is_deleted else float(frozen.get("stream_grace_s", 0)),
        )


def _container(observed: Observed | None) -> view.Container | None:
    if observed is None:
        return None
    return view.Container(
        observed.container_id, observed.running, observed.exit_code, observed.oom_killed, observed.started_at
    )


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
