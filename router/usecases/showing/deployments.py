"""Deployments as documents, any number of them in as many queries as one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, union_all
from sqlalchemy.orm import Session

from router import documents
from slipway.core.app_settings.configuration import WEB
from slipway.core.deployment.serving import EXPLAINED, Serving, meaning
from slipway.core.deployment.states import BY_HAND, UNFINISHED, State
from slipway.core.rollout.replica_states import READY
from slipway.core.text.hints import for_app
from slipway.models import App, Deployment, Release, Replica, Scale


def show_deployments(session: Session, rows: Sequence[Deployment], public_url: str) -> list[documents.Deployment]:
    """In the order given."""
    context = _Context(session, rows, public_url)
    return [context.document(row) for row in rows]


def show_deployment(session: Session, row: Deployment, public_url: str) -> documents.Deployment:
    return show_deployments(session, [row], public_url)[0]


class _Context:
    """What the documents need beside the rows themselves."""

    def __init__(self, session: Session, rows: Sequence[Deployment], public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        apps = {row.app_id for row in rows}
        releases = {row.release_id for row in rows if row.release_id is not None}
        previous = {row.previous_id for row in rows if row.previous_id is not None}
        named = session.execute(select(App.id, App.name, App.image, App.branch).where(App.id.in_(apps))).all()
        self._names = {id_: name for id_, name, _, _ in named}
        self._own = {id_: image or f"refs/heads/{branch}" for id_, _, image, branch in named}
        self._releases = {
            id_: documents.ReleaseRef(number=number, digest=digest)
            for id_, number, digest in session.execute(
                select(Release.id, Release.number, Release.digest).where(Release.id.in_(releases))
            )
        }
        found = session.execute(_referred(previous, apps)).all()
        self._refs = {row.id: _ref(row, row.number) for row in found}
        self._live = {(row.app_id, row.environment): row for row in found if row.state == State.LIVE}
        self._ready, self._wanted = _replicas(session, rows, self._live.values())

    def document(self, row: Deployment) -> documents.Deployment:
        live = self._live.get((row.app_id, row.environment))
        return documents.Deployment(
            id=row.id,
            app=self._names[row.app_id],
            environment=row.environment,
            kind=row.kind,
            sequence=row.sequence,
            state=row.state,
            stopping=row.stop_requested is not None and State(row.state) in UNFINISHED,
            source=row.source,
            ref=row.ref,
            **_version(row.source, row.commit_sha),
            message=row.message,
            pushed_by=row.pushed_by,
            actor=row.actor,
            release=self._releases.get(row.release_id) if row.release_id else None,
            previous=self._refs.get(row.previous_id) if row.previous_id else None,
            reason=row.reason,
            detail=row.detail,
            meaning=self._meaning(row),
            remedy=for_app(row.remedy, self._names[row.app_id], self._again(row)),
            tail=row.tail,
            steps=[_step(step) for step in row.steps],
            notices=row.notices or [],
            created_at=row.created_at,
            started_at=row.started_at,
            live_at=row.live_at,
            ended_at=row.ended_at,
            url=f"{self._public_url}/deployments/{row.id}",
            log_url=f"{self._public_url}/api/deployments/{row.id}/log",
            serving=self._refs[live.id] if live else None,
        )

    def _again(self, row: Deployment) -> str:
        """The options that repeat a deployment by hand; empty where `slipway deploy` alone repeats it."""
        if row.kind not in BY_HAND or row.ref == self._own[row.app_id]:
            return ""
        return f"--image {row.ref}" if row.source == "image" else f"--ref {row.ref.removeprefix('refs/heads/')}"

    def _meaning(self, row: Deployment) -> str:
        return meaning(State(row.state), self._serving(row), self._names[row.app_id])

    def _serving(self, row: Deployment) -> Serving | None:
        live = self._live.get((row.app_id, row.environment))
        if live is None:
            return None
        short = live.commit_sha[: 12 if live.source == "image" else 7]
        ready, wanted = self._ready.get(live.release_id, 0), self._wanted.get((live.app_id, live.environment), 0)
        return Serving(self._refs[live.id].release, short, ready, wanted)


def _referred(previous: Collection[int], apps: Collection[int]) -> Select[*tuple[Any, ...]]:
    """The previous ones and those that are live, with their releases' numbers. Each has an index: joined by OR they had
    none, and a tenant's deployments were read, all of them."""
    ids = select(Deployment.id).where(Deployment.id.in_(previous))
    live = select(Deployment.id).where(Deployment.app_id.in_(apps), Deployment.state == str(State.LIVE))
    columns = (Deployment.id, Deployment.app_id, Deployment.environment, Deployment.state)
    return (
        select(*columns, Deployment.source, Deployment.commit_sha, Deployment.release_id, Release.number)
        .outerjoin(Release, Release.id == Deployment.release_id)
        .where(Deployment.id.in_(union_all(ids, live)))
    )


def _replicas(
    session: Session, rows: Sequence[Deployment], live: Iterable[Row[Any]]
) -> tuple[dict[int | None, int], dict[tuple[int, str], int]]:
    """Ready replicas by release, and wanted ones by app and environment; asked only where a deployment's end has to be
    explained."""
    apps = {row.app_id for row in rows if State(row.state) in EXPLAINED}
    if not apps:
        return {}, {}
    releases = {row.release_id for row in live if row.app_id in apps}
    ready = (
        select(Replica.release_id, func.count())
        .where(Replica.release_id.in_(releases), Replica.ended_at.is_(None))
        .where(Replica.process == WEB, Replica.state == READY)
        .group_by(Replica.release_id)
    )
    wanted = select(Scale.app_id, Scale.environment, Scale.replicas).where(Scale.app_id.in_(apps), Scale.process == WEB)
    by_app = {(app_id, environment): number for app_id, environment, number in session.execute(wanted)}
    return dict(session.execute(ready).all()), by_app


def _ref(row: Row[Any], release: int | None) -> documents.DeploymentRef:
    return documents.DeploymentRef(id=row.id, release=release, **_version(row.source, row.commit_sha))


def _version(source: str, version: str) -> dict[str, str]:
    """The deployed version, which one column holds, as a commit or as a digest."""
    if source == "image":
        return {"commit": "", "digest": f"sha256:{version}" if version else ""}
    return {"commit": version, "digest": ""}


def _step(step: dict[str, Any]) -> documents.Step:
    started, ended = step["started_at"], step["ended_at"]
    return documents.Step(
        name=step["name"],
        started_at=datetime.fromtimestamp(started, UTC),
        ended_at=None if ended is None else datetime.fromtimestamp(ended, UTC),
        seconds=None if ended is None else round(ended - started, 3),
        ok=step["ok"],
        note=step["note"],
    )
