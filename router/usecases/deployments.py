"""Deployments: show them, deploy by hand, roll back and cancel."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.app_sources import image_for
from router.usecases.finding import app_named, deployment_numbered
from router.usecases.showing.deployments import show_deployment, show_deployments
from slipway.core.deployment.states import Kind
from slipway.core.naming import validation
from slipway.core.push.push_event import BRANCHES
from slipway.domain import audit, intents
from slipway.domain.attached.services import refuse_service
from slipway.domain.audit import Action
from slipway.errors import InvalidInput
from slipway.models import App, Deployment
from slipway.models.repositories import hook_of

_SHORT = re.compile(r"[0-9a-f]{7,39}")
_KEY = re.compile(r"[!-~]{1,128}")


def list_deployments(
    services: Services, principal: Principal, app_name: str, *, limit: int, before: int | None
) -> documents.Deployments:
    """The newest first; `before` is the last id of the page before."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        query = select(Deployment).filter_by(app_id=app.id).order_by(Deployment.id.desc()).limit(limit)
        if before is not None:
            query = query.where(Deployment.id < before)
        rows = session.scalars(query).all()
        return documents.Deployments(deployments=show_deployments(session, rows, services.settings.public_url))


def get_deployment(
    services: Services, principal: Principal, number: int, app_name: str | None = None
) -> documents.Deployment:
    """One deployment. Where an app is named, it has to be that app's."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = deployment_numbered(session, number, of_app=app_name)
        return show_deployment(session, found, services.settings.public_url)


def branch_head(services: Services, principal: Principal, app_name: str) -> documents.BranchHead:
    """The commit that the app's branch is at now, by the repository.

    Raises:
        InvalidInput: the app runs an image.
        DeploymentFailed: the repository can't be read.
        TooManyCalls: the tenant asks for as many as it may.
        Overloaded: all tenants together do.
    """
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        hook = hook_of(session, app.repository_identity)
    if app.source != "git":
        raise InvalidInput(f"{app.name} runs an image, and has no branch", remedy="deploy its image: slipway deploy")
    with services.heads.place(principal):
        commit = services.agent.head(app.id)
    with services.db.read(tenant_id=principal.tenant_id) as session:  # anew: it may have been delivered meanwhile
        app = app_named(session, app_name)
        delivered = commit is not None and _is_reported(session, app, commit)
    hook_id = hook.id if hook else None
    return documents.BranchHead(ref=BRANCHES + app.branch, commit=commit, delivered=delivered, hook=hook_id)


def _is_reported(session: Session, app: App, commit: str) -> bool:
    """Is the newest push of the app's branch of this commit, or did a comparison of heads see it since? A commit that
    the branch comes back to is reported anew."""
    of_branch = select(Deployment).filter_by(app_id=app.id, kind=str(Kind.PUSH), ref=BRANCHES + app.branch)
    newest_first = of_branch.where(Deployment.sequence >= app.branch_sequence).order_by(Deployment.sequence.desc())
    newest = session.scalars(newest_first.limit(1)).first()
    if newest is not None and newest.commit_sha == commit:
        return True
    if app.head != commit or app.polled_at is None:
        return False
    return newest is None or app.polled_at > newest.created_at


def deploy(
    services: Services,
    principal: Principal,
    app_name: str,
    *,
    ref: str | None = None,
    commit: str | None = None,
    image: str | None = None,
    rebuild: bool = False,
    idempotency_key: str = "",
) -> documents.Deployment:
    """Deploy a ref (the app's branch when none is given) or a commit; of an app that runs an image, that image (the
    app's when none is given) as its registry has it now. What is live already is skipped, unless `rebuild` asks for it.
    The same key again is the same deployment.

    Raises:
        QuotaExceeded: the tenant has no build minutes left this month.
    """
    _check_key(idempotency_key)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        made = intents.deploy(
            session,
            app,
            ref=_requested_ref(services, session, app, ref=ref, commit=commit, image=image),
            commit_sha=validation.commit_sha(commit) if commit else "",
            idempotency_key=idempotency_key,
            rebuild=rebuild,
            actor=principal.actor.name,
        )
        audit.record(session, app.tenant_id, principal.actor, Action.DEPLOYMENT_CREATE, app.name, deployment=made.id)
        shown = show_deployment(session, made, services.settings.public_url)
    intents.enqueue(services.queue, [made])
    return shown


def promote(
    services: Services, principal: Principal, app_name: str, *, to: str, idempotency_key: str = ""
) -> documents.Deployment:
    """The image that serves an app becomes a deployment of another of the tenant's apps, with that one's configuration.
    The same key again is the same deployment."""
    _check_key(idempotency_key)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        source = app_named(session, app_name)
        app = app_named(session, to, to_change=True)
        refuse_service(session, app, "runs its own image", "promote to an app")
        made = intents.promote(session, app, source=source, actor=principal.actor.name, idempotency_key=idempotency_key)
        of = {"source": source.name, "release": (made.promoted or {})["release"]}
        audit.record(session, app.tenant_id, principal.actor, Action.DEPLOYMENT_PROMOTE, to, deployment=made.id, **of)
        shown = show_deployment(session, made, services.settings.public_url)
    intents.enqueue(services.queue, [made])
    return shown


def roll_back(services: Services, principal: Principal, app_name: str, to: int | None) -> documents.Deployment:
    """Back to release `to`, or to the one that was live before."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        refuse_service(session, app, "goes back by its data", f"take a backup: slipway services backups {app.name}")
        made = intents.rollback(session, app, to=to, actor=principal.actor.name)
        audit.record(session, app.tenant_id, principal.actor, Action.DEPLOYMENT_ROLLBACK, app.name, deployment=made.id)
        shown = show_deployment(session, made, services.settings.public_url)
    intents.enqueue(services.queue, [made])
    return shown


def cancel(services: Services, principal: Principal, number: int, app_name: str | None = None) -> documents.Deployment:
    """Stop it: at once when it is queued, else its worker or the agent does soon. Of this app, where one is named."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        deployment = deployment_numbered(session, number, of_app=app_name, to_change=True)
        intents.cancel(deployment, actor=principal.actor.name)
        app = session.get_one(App, deployment.app_id)
        audit.record(session, app.tenant_id, principal.actor, Action.DEPLOYMENT_CANCEL, app.name, deployment=number)
        session.flush()
        shown = show_deployment(session, deployment, services.settings.public_url)
    services.queue.wake_agent(deployment.app_id)
    return shown


def _check_key(text: str) -> None:
    if text and not _KEY.fullmatch(text):
        raise InvalidInput("that can't be an Idempotency-Key", remedy="use 1 to 128 printable ASCII characters")


def _requested_ref(
    services: Services, session: Session, app: App, *, ref: str | None, commit: str | None, image: str | None
) -> str:
    """The ref of a new deployment: a branch, tag or commit, or an image's name."""
    if image:
        if ref or commit:
            raise InvalidInput("an image has neither ref nor commit", remedy="give the image alone")
        return image_for(services, session, app, image)
    if app.source == "image":
        if ref or commit:
            raise InvalidInput(f"{app.name} runs an image", remedy="name another: slipway deploy --image NAME:TAG")
        return app.image
    return _ref(session, app, ref) if ref else f"refs/heads/{app.branch}"


def _ref(session: Session, app: App, given: str) -> str:
    """A short commit, as tables show it, in full, when a deployment of the app had it.

    Raises:
        InvalidInput: several had it, or none and it looks like a commit; a branch of such a name is given as
            refs/heads/NAME.
    """
    if not _SHORT.fullmatch(given):
        return validation.branch(given)
    query = select(Deployment.commit_sha).filter_by(app_id=app.id).distinct()
    found = session.scalars(query.where(Deployment.commit_sha.startswith(given)).limit(2)).all()
    if len(found) == 1:
        return found[0]
    if not found and given.isdigit():
        return given  # a branch may well be called after a date
    remedy = f"give all 40 digits, or a branch such as {app.branch}; a branch of this name is refs/heads/{given}"
    if found:
        raise InvalidInput(f"{app.name} has several commits that begin with {given}", remedy=remedy)
    raise InvalidInput(f"{app.name} has no deployment of a commit {given}", remedy=remedy)
