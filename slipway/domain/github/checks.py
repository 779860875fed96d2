"""Somebody wants a check anew, on GitHub's page of a commit: what it was of is deployed again."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.github import reports
from slipway.core.github.app_events import Rerun
from slipway.domain import audit, intents
from slipway.domain.audit import Action, Actor
from slipway.models import App, Deployment, GitHubReport


def run_again(
    session: Session, repository: str, wanted: Rerun, actor: Actor, delivery_id: str
) -> list[tuple[Deployment, App]]:
    """A new deployment of each that the check was of: as long as it is its app's newest, so that a check of an old
    commit does not bring that back. In a transaction of the tenant."""
    again = [row for row in _of_checks(session, repository, wanted) if _is_newest(session, row)]
    return [_deploy(session, row, actor, delivery_id) for row in again]


def _of_checks(session: Session, repository: str, wanted: Rerun) -> list[Deployment]:
    query = (
        select(Deployment)
        .join(GitHubReport, GitHubReport.deployment_id == Deployment.id)
        .where(func.lower(GitHubReport.repository) == repository.lower(), Deployment.commit_sha == wanted.commit_sha)
        .order_by(Deployment.id)
    )
    found = session.scalars(query).all()
    if not wanted.external_ids:
        return list(found)
    numbers = {reports.deployment_of(each) for each in wanted.external_ids}
    return [row for row in found if row.id in numbers]


def _is_newest(session: Session, row: Deployment) -> bool:
    """One that goes on is not deployed a second time."""
    newest = session.scalar(
        select(func.max(Deployment.sequence)).filter_by(app_id=row.app_id, environment=row.environment)
    )
    return row.sequence == newest and State(row.state) not in UNFINISHED


def _deploy(session: Session, row: Deployment, actor: Actor, delivery_id: str) -> tuple[Deployment, App]:
    """Raises `QuotaExceeded`: the tenant has no build minutes left."""
    app = session.get_one(App, row.app_id)
    made = intents.deploy(
        session,
        app,
        ref=row.ref,
        commit_sha=row.commit_sha,
        actor=actor.name,
        idempotency_key=f"github:{delivery_id}",
        rebuild=True,
    )
    audit.record(session, row.tenant_id, actor, Action.DEPLOYMENT_CREATE, app.name, deployment=made.id)
    return made, app
