"""Deployments as documents, any number of them in four queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from slipway.core.states import State
from slipway.models import App, Deployment, Release


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
        self._names = dict(session.execute(select(App.id, App.name).where(App.id.in_(apps))).all())
        self._releases = {
            id_: documents.ReleaseRef(number=number, digest=digest)
            for id_, number, digest in session.execute(
                select(Release.id, Release.number, Release.digest).where(Release.id.in_(releases))
            )
        }
        self._previous = {
            id_: _ref(id_, source, version)
            for id_, source, version in session.execute(
                select(Deployment.id, Deployment.source, Deployment.commit_sha).where(Deployment.id.in_(previous))
            )
        }
        self._serving = {
            (app_id, environment): _ref(id_, source, version)
            for app_id, environment, id_, source, version in session.execute(
                select(
                    Deployment.app_id,
                    Deployment.environment,
                    Deployment.id,
                    Deployment.source,
                    Deployment.commit_sha,
                )
                .where(Deployment.app_id.in_(apps))
                .where(Deployment.state == str(State.LIVE))
            )
        }

    def document(self, row: Deployment) -> documents.Deployment:
        url = f"{self._public_url}/api/deployments/{row.id}"
        return documents.Deployment(
            id=row.id,
            app=self._names[row.app_id],
            environment=row.environment,
            kind=row.kind,
            sequence=row.sequence,
            state=row.state,
            source=row.source,
            ref=row.ref,
            **_version(row.source, row.commit_sha),
            message=row.message,
            pushed_by=row.pushed_by,
            actor=row.actor,
            release=self._releases.get(row.release_id) if row.release_id else None,
            previous=self._previous.get(row.previous_id) if row.previous_id else None,
            reason=row.reason,
            detail=row.detail,
            remedy=row.remedy,
            tail=row.tail,
            steps=[_step(step) for step in row.steps],
            created_at=row.created_at,
            started_at=row.started_at,
            live_at=row.live_at,
            ended_at=row.ended_at,
            url=url,
            log_url=f"{url}/log",
            serving=self._serving.get((row.app_id, row.environment)),
        )


def _ref(id_: int, source: str, version: str) -> documents.DeploymentRef:
    return documents.DeploymentRef(id=id_, **_version(source, version))


def _version(source: str, version: str) -> dict[str, str]:
    """The one column that says what was deployed, as a commit or as a digest."""
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
