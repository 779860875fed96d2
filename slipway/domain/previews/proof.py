"""Whether a tenant has shown that it can read an app's repository. The host's tokens of forges reach more than tenants
may: of a repository that a tenant only names, they neither read nor write anything for it."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import Kind
from slipway.models import App, Build, Deployment


def has_read_repository(session: Session, app: App) -> bool:
    """Was an image built of the repository that it has now, with the credential of its own?"""
    built = exists().where(
        Build.app_id == app.id,
        Build.deployment_id == Deployment.id,
        Deployment.source == "git",
        Deployment.kind != str(Kind.PROMOTION),
        Deployment.sequence >= app.branch_sequence,
    )
    return bool(session.scalar(select(built)))
