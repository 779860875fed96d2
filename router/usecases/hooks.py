"""Hooks: the address that a repository's pushes are delivered to, its secrets, and the deliveries that came."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import hook_identified
from slipway.core.access import tokens
from slipway.core.naming import validation
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.github import installations
from slipway.errors import Conflict
from slipway.models import TO_CHANGE, App, Delivery, Deployment, Hook, HookSecret, Tenant, now
from slipway.models.repositories import hook_of, may_be_of, of_repository, parameters_of
from slipway.settings import Settings

SECRET_BYTES = 32
ID_BYTES = 16


def list_hooks(services: Services, principal: Principal) -> documents.Hooks:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        hooks = session.scalars(select(Hook).order_by(Hook.created_at)).all()
        return documents.Hooks(hooks=show_hooks(services, session, hooks))


def show_hooks(services: Services, session: Session, hooks: Sequence[Hook]) -> list[documents.Hook]:
    """In the order given."""
    valid = _valid_secrets(session, [hook.id for hook in hooks])
    return [_shown(services, hook, valid[hook.id]) for hook in hooks]


def get_hook(services: Services, principal: Principal, hook_id: str) -> documents.Hook:
    """Raises `NotFound`: the tenant has none of that id."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return show_hooks(services, session, [hook_identified(session, hook_id)])[0]


def hook_of_repository(services: Services, principal: Principal, identity: str) -> documents.Hook | None:
    """`identity`: `host/owner/name`. None: the repository has no hook."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        hook = hook_of(session, identity)
        return None if hook is None else show_hooks(services, session, [hook])[0]


def create_hook(services: Services, principal: Principal, repository: str) -> documents.Hook:
    """A hook with its secret, which is shown this once.

    Raises:
        Conflict: the repository has one: a second would deploy every push twice.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        hook = ensure_hook(services, session, principal, repository)
        if hook.secret is None:
            raise Conflict(
                f"{hook.repository} has the hook {hook.id} already",
                remedy=f"give it a new secret: slipway hooks rotate {hook.id}",
                hook=hook.id,
            )
        return hook


def ensure_hook(services: Services, session: Session, principal: Principal, repository: str) -> documents.Hook:
    """The repository's hook; a new one (with its secret) when there is none."""
    url = validation.repository_url(repository, services.settings.git_hosts)
    identity = validation.repository_identity(url)
    session.get(Tenant, principal.tenant_id, with_for_update=TO_CHANGE)  # two at once would both find none
    hook = hook_of(session, identity)
    if hook is not None:
        return _shown(services, hook, _valid_secrets(session, [hook.id])[hook.id])
    # hex: what begins with a dash would be an option where an id is given to a command
    hook = Hook(id=secrets.token_hex(ID_BYTES), tenant_id=principal.tenant_id, repository_identity=identity)
    session.add(hook)
    session.flush()
    secret, row = _add_secret(services, session, hook)
    audit.record(session, principal.tenant_id, principal.actor, Action.HOOK_CREATE, hook.id, repository=identity)
    return _shown(services, hook, [row], secret)


def rotate_hook(services: Services, principal: Principal, hook_id: str) -> documents.Hook:
    """A new secret; the old ones stay valid for `secret_overlap_s`, so that no delivery is refused meanwhile."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        hook = hook_identified(session, hook_id)
        end = now() + timedelta(seconds=services.settings.secret_overlap_s)
        for row in session.scalars(select(HookSecret).filter_by(hook_id=hook.id)):
            if row.expires_at is not None and row.expires_at <= now():
                session.delete(row)
            elif row.expires_at is None:
                row.expires_at = end
        secret, _row = _add_secret(services, session, hook)
        audit.record(session, principal.tenant_id, principal.actor, Action.HOOK_ROTATE, hook.id)
        return _shown(services, hook, _valid_secrets(session, [hook.id])[hook.id], secret)


def delete_hook(services: Services, principal: Principal, hook_id: str) -> None:
    """Deliveries to it are refused from now on."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        hook = hook_identified(session, hook_id)
        session.delete(hook)
        audit.record(
            session,
            principal.tenant_id,
            principal.actor,
            Action.HOOK_DELETE,
            hook.id,
            repository=hook.repository_identity,
        )


def list_deliveries(services: Services, principal: Principal, hook_id: str, limit: int) -> documents.Deliveries:
    """The newest first, each with the deployments that it made."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        hook = hook_identified(session, hook_id)
        query = select(Delivery).filter_by(hook_id=hook.id).order_by(Delivery.id.desc())
        rows = session.scalars(query.limit(limit)).all()
        made = _deployments(session, [row.id for row in rows])
        return documents.Deliveries(deliveries=[_delivery(row, made[row.id]) for row in rows])


def notices_of_existing(hook: documents.Hook, app_name: str) -> list[str]:
    """For a new app whose repository has a hook already."""
    return [
        f"{hook.repository} had the hook {hook.id} already; its pushes deploy {app_name}, too. Its secret is not shown "
        f"again. For a new one: slipway hooks rotate {hook.id}; all hooks: slipway hooks"
    ]


def notices_of_moving(session: Session, settings: Settings, app: App, before: str, branch_before: str) -> list[str]:
    """After an app went to another branch, or from the repository `before` to another: what becomes of what is there
    already, and what its pushes and those of the new one do now."""
    if app.repository_identity == before:
        return [_what_is_there(app)] if app.branch != branch_before else []
    delivers = how_pushes_are_noticed(session, settings, app)
    return [*notices_of_leaving(session, app.name, before), delivers, _what_is_there(app)]


def notices_of_github(session: Session, settings: Settings, app: App) -> list[str]:
    """Where the GitHub App delivers, nothing has to be entered at the repository."""
    account = installations.account_of(session, settings.github_api, app.repository_identity)
    if not account:
        return []
    return [
        f"The GitHub App is connected for {account}: if its installation has {app.repository_identity}, pushes come by "
        "it, and no webhook has to be entered there."
    ]


def how_pushes_are_noticed(session: Session, settings: Settings, app: App) -> str:
    """By the GitHub App, by a hook that was there already, or by comparing heads."""
    if by_app := notices_of_github(session, settings, app):
        return by_app[0]
    hook = hook_of(session, app.repository_identity)
    if hook:
        return f"Pushes to {app.repository_identity} are delivered by its hook {hook.id}, which was there already."
    return (
        f"{app.repository_identity} has no hook here: its pushes are found only by comparing heads, every "
        f"{settings.poll_s:g} s. To get them at once: slipway hooks create {app.repository}"
    )


def _what_is_there(app: App) -> str:
    return (
        f"What {app.branch} has now, and what is pushed in the next seconds without a delivery, is not deployed by "
        f"itself: slipway deploy -a {app.name}"
    )


def notices_of_leaving(session: Session, app_name: str, repository: str) -> list[str]:
    """After an app left a repository, whose hook may have nothing left to deploy."""
    hook = hook_of(session, repository)
    if hook is None:
        return []
    session.flush()
    query = select(App).where(may_be_of(App.repository_identity), App.deleted_at.is_(None), App.name != app_name)
    found = session.scalars(query.order_by(App.name), parameters_of(repository)).all()
    others = [app.name for app in of_repository(found, repository)]
    if others:
        return [
            f"Pushes to {repository} no longer deploy {app_name}; its hook {hook.id} goes on for {', '.join(others)}."
        ]
    return [
        f"Pushes to {repository} deploy nothing any more, though its hook {hook.id} is still there. To remove it: "
        f"slipway hooks delete {hook.id}, then delete the webhook in that repository's settings."
    ]


def _add_secret(services: Services, session: Session, hook: Hook) -> tuple[str, HookSecret]:
    secret = tokens.HOOK_PREFIX + secrets.token_hex(SECRET_BYTES)
    sealed = services.hooks.seal(secret, hook.tenant_id, hook.id)
    row = HookSecret(tenant_id=hook.tenant_id, hook_id=hook.id, sealed=sealed)
    session.add(row)
    session.flush()
    return secret, row


def _valid_secrets(session: Session, hook_ids: list[str]) -> dict[str, list[HookSecret]]:
    found: dict[str, list[HookSecret]] = defaultdict(list)
    valid = or_(HookSecret.expires_at.is_(None), HookSecret.expires_at > now())
    query = select(HookSecret).where(HookSecret.hook_id.in_(hook_ids), valid).order_by(HookSecret.id)
    for row in session.scalars(query):
        found[row.hook_id].append(row)
    return found


def _deployments(session: Session, deliveries: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    query = select(Deployment.delivery_row, Deployment.id).where(Deployment.delivery_row.in_(deliveries))
    for delivery, deployment in session.execute(query.order_by(Deployment.id)):
        if delivery is not None:
            found[delivery].append(deployment)
    return found


def _shown(services: Services, hook: Hook, rows: list[HookSecret], secret: str | None = None) -> documents.Hook:
    return documents.Hook(
        id=hook.id,
        url=f"{services.settings.public_url.rstrip('/')}/webhooks/github/{hook.id}",
        repository=hook.repository_identity,
        secret=secret,
        secrets=[documents.HookSecret(id=row.id, created_at=row.created_at, expires_at=row.expires_at) for row in rows],
    )


def _delivery(row: Delivery, deployments: list[int]) -> documents.Delivery:
    return documents.Delivery(
        delivery_id=row.delivery_id,
        event=row.event,
        ref=row.ref,
        commit=row.commit_sha,
        outcome=row.outcome,
        reason=row.reason,
        received_at=row.received_at,
        deployments=deployments,
    )
