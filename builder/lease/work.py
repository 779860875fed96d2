"""What a worker has to do for a deployment."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.core.deployment.ordering import Candidate
from slipway.core.deployment.promotion import PromotedImage
from slipway.models import App, Deployment, Preview, Tenant, Variable


@dataclass(frozen=True, slots=True)
class Work:
    """The deployment and its app, as they were when the worker claimed the deployment."""

    deployment_id: int
    attempt: int
    tenant_id: int
    tenant: str
    app_id: int
    app: str
    source: str
    """`git` or `image`."""
    repository: str
    image: str
    """The image that the app is set to; the image of this deployment is its `ref`."""
    credential: str | None
    """Sealed."""
    branch: str
    settings: dict[str, object]
    variables: dict[str, str]
    """Build variables, sealed."""
    secret_names: tuple[str, ...]
    """Those of them that somebody marked as secret."""
    environment: str
    ref: str
    commit_sha: str
    message: str
    """The commit's, as far as the push reports it."""
    promoted: PromotedImage | None
    """Of a promotion: the image that it brings."""
    candidate: Candidate
    apart: str = ""
    """Of a fork's preview: its builds share no caches with those of the tenant's other apps, which trust what is in
    them."""


def work_of(session: Session, row: Deployment, app: App) -> Work:
    """Read what has to be done for the deployment."""
    variables = _build_variables(session, row)
    return Work(
        deployment_id=row.id,
        attempt=row.attempt,
        tenant_id=row.tenant_id,
        tenant=session.get_one(Tenant, row.tenant_id).name,
        app_id=app.id,
        app=app.name,
        source=row.source,
        repository=app.repository,
        image=app.image,
        credential=app.credential,
        branch=app.branch,
        settings=dict(app.settings),
        variables={each.name: each.sealed for each in variables},
        secret_names=tuple(each.name for each in variables if each.is_secret),
        environment=row.environment,
        ref=row.ref,
        commit_sha=row.commit_sha,
        message=row.message,
        promoted=PromotedImage.from_json(row.promoted) if row.promoted else None,
        candidate=row.candidate(),
        apart=session.scalar(select(Preview.key).filter_by(app_id=app.id, is_fork=True)) or "",
    )


def _build_variables(session: Session, row: Deployment) -> list[Variable]:
    query = select(Variable).filter_by(app_id=row.app_id, environment=row.environment, scope="build")
    return list(session.scalars(query.order_by(Variable.name)))
