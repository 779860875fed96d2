"""Looks at one app: rows, containers, confirmations and hints become the frozen view that the rollout decides on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from builder.agent.dependencies import Dependencies
from slipway.core.app_settings.configuration import PRODUCTION, Configuration
from slipway.core.app_settings.volumes import exclude_each_other
from slipway.core.deployment.ordering import GOES_ON, may_switch, must_refreeze, next_to_start
from slipway.core.deployment.states import WITH_IMAGE_TO_MAKE, Kind, State
from slipway.core.rollout import fleet
from slipway.domain import lifecycle
from slipway.errors import DependencyUnavailable
from slipway.models import Address, App, Deployment, Edge, Release, Replica, Scale, Target
from slipway.ports.routes import UnderWay
from slipway.ports.runtime import Observed


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one app that a pass looks at, detached."""

    app: App
    deployments: Sequence[Deployment]
    releases: Mapping[int, Release]
    replicas: Sequence[Replica]
    targets: Mapping[str, bool]
    """Replica that the route table names → whether as standby."""
    previous: Mapping[int, Deployment]
    """By id, those that were live before what is live."""
    removed_in: Mapping[str, int | None]
    """Replica → the generation that took it out of the route table."""
    scale: Mapping[tuple[str, str], int]
    """(environment, process) → wished replicas."""
    edges: Sequence[str]


def claimed_by_agent() -> ColumnElement[bool]:
    """SQL condition: the agent is the one to move this deployment."""
    image_there = Deployment.kind.in_([str(Kind.ROLLBACK), str(Kind.CONFIGURATION)])
    return or_(Deployment.state == str(State.STARTING), and_(Deployment.state == str(State.QUEUED), image_there))


def load(session: Session, app_id: int) -> Rows | None:
    """None: there is no such app (any more)."""
    app = session.get(App, app_id)
    if app is None:
        return None
    mine = or_(Deployment.state == str(State.LIVE), claimed_by_agent())
    deployments = list(session.scalars(select(Deployment).where(Deployment.app_id == app_id, mine)))
    replicas = list(session.scalars(select(Replica).where(Replica.app_id == app_id, Replica.state != fleet.GONE)))
    previous = _previous(session, deployments)
    wanted = {row.release_id for row in (*deployments, *previous) if row.release_id}
    release_ids = wanted | {row.release_id for row in replicas}
    releases = session.scalars(select(Release).where(Release.id.in_(release_ids)))
    addresses = select(Address.replica_id, Address.rests_from).where(Address.replica_id.in_([r.id for r in replicas]))
    return Rows(
        app=app,
        deployments=deployments,
        releases={release.id: release for release in releases},
        replicas=replicas,
        targets=dict(session.execute(select(Target.replica_id, Target.standby).filter_by(app_id=app_id)).all()),
        previous={row.id: row for row in previous},
        removed_in={row.replica_id: row.rests_from for row in session.execute(addresses) if row.replica_id},
        scale={
            (row.environment, row.process): row.replicas
            for row in session.scalars(select(Scale).filter_by(app_id=app_id))
        },
        edges=list(session.scalars(select(Edge.id))),
    )


def _previous(session: Session, deployments: Iterable[Deployment]) -> list[Deployment]:
    """What a watched deployment would give way to."""
    ids = [row.previous_id for row in deployments if watched(row) and row.previous_id]
    if not ids:
        return []
    retired = Deployment.state == str(State.RETIRED)
    return list(session.scalars(select(Deployment).where(Deployment.id.in_(ids), retired)))


def environments(rows: Rows) -> list[str]:
    """Those that have anything to look at."""
    deployed, running = {row.environment for row in rows.deployments}, {row.environment for row in rows.replicas}
    return sorted({PRODUCTION} | deployed | running)


class StateLoader:
    """Makes views of one app at one moment. `busy` must have been taken before the rows were loaded."""

    def __init__(
        self, dependencies: Dependencies, rows: Rows, observed: Iterable[Observed], busy: frozenset[str]
    ) -> None:
        self._dependencies = dependencies
        self._rows = rows
        self._busy = busy
        self._now = dependencies.clock()
        self._mounted = {
            each.id: Configuration.from_json(each.configuration).volumes for each in rows.releases.values()
        }
        self._containers = {each.replica_id: each for each in observed if not each.task}
        self._confirmed = self._confirmations() if self._needs_confirmations() else None

    def view(self, environment: str) -> fleet.View:
        deployments = [each for each in self._rows.deployments if each.environment == environment]
        live = next((each for each in deployments if each.state == State.LIVE), None)
        waiting = [each for each in deployments if each.state != State.LIVE]
        if self._rows.app.deleted_at is not None:
            live = None
        return fleet.View(
            now=self._now,
            live=self._live(live) if live else None,
            rolling=self._rolling(live, waiting),
            stopped=tuple(self._stopped(waiting)),
            replicas=tuple(self._replica(row) for row in self._rows.replicas if row.environment == environment),
            confirmed=self._confirmed,
            confirm_timeout_s=self._dependencies.settings.confirm_timeout_s,
        )

    def _needs_confirmations(self) -> bool:
        switching = any(switched(each) for each in self._rows.deployments)
        return switching or any(row.state == fleet.DRAINING for row in self._rows.replicas)

    def _confirmations(self) -> int | None:
        try:
            return self._dependencies.routes.confirmed()
        except DependencyUnavailable:
            return None  # publishing says so in the log; until it is back nothing counts as confirmed

    def _stopped(self, waiting: Iterable[Deployment]) -> Iterable[fleet.Stopped]:
        deleted = self._rows.app.deleted_at is not None
        for each in waiting:
            if each.stop_requested or deleted:
                why = each.stop_why if each.stop_requested else "the app is being deleted"
                yield fleet.Stopped(each.id, State(each.stop_requested or State.CANCELLED), why)

    def _rolling(self, live: Deployment | None, waiting: Sequence[Deployment]) -> fleet.Rolling | None:
        going = {each.id: each for each in waiting if not each.stop_requested}
        chosen = next_to_start([each.candidate() for each in going.values()])
        if chosen is None or self._rows.app.deleted_at is not None:
            return None
        row = going[chosen.id]
        release = self._rows.releases.get(row.release_id) if row.release_id else None
        frozen = chosen.frozen and not must_refreeze(chosen, live.candidate() if live else None)
        return fleet.Rolling(
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
        steps = [step for step in row.steps if step["name"] == "pre-deploy"]
        if steps and steps[-1]["ok"]:
            return "done"
        return "running" if f"pre-deploy:{row.id}" in self._busy else "due"

    def _live(self, row: Deployment) -> fleet.Live | None:
        release = self._rows.releases.get(row.release_id) if row.release_id else None
        if release is None:
            return None
        step = lifecycle.current_step(row)
        draining = step is not None and step["name"] == "drain"
        return fleet.Live(row.id, self._release(release), draining, self._watch(row))

    def _watch(self, row: Deployment) -> fleet.Watch | None:
        step = watched(row)
        if step is None:
            return None
        return fleet.Watch(float(step["started_at"]), float(step["until"]), self._before(row))

    def _before(self, row: Deployment) -> fleet.Previous | None:
        before = self._rows.previous.get(row.previous_id or 0)
        release = self._rows.releases.get(before.release_id or 0) if before else None
        if before is None or release is None or release.collected_at is not None or release.id == row.release_id:
            return None
        return fleet.Previous(before.id, self._release(release))

    def _release(self, release: Release) -> fleet.Release:
        configuration = Configuration.from_json(release.configuration)
        exclusive = configuration.exclusive
        wanted = {
            process: self._rows.scale.get((release.environment, process), 1) for process in configuration.commands
        }
        return fleet.Release(
            release.id,
            {process: min(count, 1) if process in exclusive else count for process, count in wanted.items()},
            configuration.probe_timeout_s,
            recreate=configuration.recreate,
            exclusive=bool(exclusive),
            memory_bytes=configuration.memory_bytes,
            watch_s=configuration.watch_s,
            excludes=frozenset(self._excluded_by(release)),
        )

    def _excluded_by(self, release: Release) -> Iterator[int]:
        """Releases that are there, or may come back, and must not run beside it."""
        for other in self._rows.releases.values():
            is_another = other.id != release.id and other.environment == release.environment
            if is_another and exclude_each_other(self._mounted[release.id], self._mounted[other.id]):
                yield other.id

    def _replica(self, row: Replica) -> fleet.Replica:
        hints = self._dependencies.hints
        return fleet.Replica(
            id=row.id,
            process=row.process,
            release_id=row.release_id,
            slot=row.slot,
            state=row.state,
            container=_container(self._containers.get(row.id)),
            recorded=row.container_id,
            target=self._rows.targets.get(row.id) is False,
            standby=self._rows.targets.get(row.id) is True,
            busy=f"replica:{row.id}" in self._busy,
            stopping=row.state == fleet.DRAINING and row.ended_at is not None,
            probe=hints.probes.get(row.id),
            refusal=hints.refusals.get(row.id),
            restarts=row.restarts,
            retry_at=_seconds(row.retry_at),
            ready_at=_seconds(row.ready_at),
            draining=self._draining(row) if row.state == fleet.DRAINING else None,
            answers=hints.answers.get(row.id),
            asked=f"watch:{row.id}" in self._busy,
        )

    def _draining(self, row: Replica) -> fleet.Draining:
        removed_in = self._rows.removed_in.get(row.id)
        release = self._rows.releases.get(row.release_id)
        frozen = release.configuration if release else {}
        grace_s = float(frozen.get("drain_grace_s", 0))
        stream_grace_s = 0.0 if self._rows.app.deleted_at else float(frozen.get("stream_grace_s", 0))
        if removed_in is None or self._confirmed is None or self._confirmed < removed_in:
            return fleet.Draining(removed_in, grace_s=grace_s, stream_grace_s=stream_grace_s)
        confirmed_at = self._dependencies.hints.confirmed_at.setdefault(row.id, self._now)
        under_way = self._under_way(row.id)
        requests, streams = (under_way.requests, under_way.streams) if under_way else (None, None)
        return fleet.Draining(removed_in, confirmed_at, requests, grace_s, streams, stream_grace_s)

    def _under_way(self, replica_id: str) -> UnderWay | None:
        try:
            return self._dependencies.routes.inflight(self._rows.edges, replica_id)
        except DependencyUnavailable:
            return None


def switched(row: Deployment) -> fleet.Switched | None:
    """The deployment's open step `switch` with the generation that every edge has to confirm."""
    step = lifecycle.current_step(row)
    if row.state != State.STARTING or step is None or step["name"] != "switch":
        return None
    return fleet.Switched(int(step["generation"]), float(step["started_at"]))


def watched(row: Deployment) -> dict[str, Any] | None:
    """The deployment's open step `watch`, with the time until which it lasts."""
    step = lifecycle.current_step(row)
    return step if row.state == State.LIVE and step is not None and step["name"] == "watch" else None


def needs_pre_deploy(row: Deployment, release: Release) -> bool:
    """Only a new image gets its pre-deploy command: a rollback or a new variable must not migrate anything."""
    return row.kind in WITH_IMAGE_TO_MAKE and bool(release.configuration.get("pre_deploy"))


def _container(observed: Observed | None) -> fleet.Container | None:
    if observed is None:
        return None
    return fleet.Container(
        observed.container_id, observed.running, observed.exit_code, observed.oom_killed, observed.started_at
    )


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
