"""Apps: create, show, change, scale and delete them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases import changed_settings, hooks, volumes
from router.usecases.access import policies as access
from router.usecases.app_sources import change_source, seal_credential, set_repository, unfinished
from router.usecases.confirmation import require_confirmation
from router.usecases.finding import app_named, unique_or
from router.usecases.showing.apps import show_app, show_apps
from router.usecases.showing.deployments import show_deployment
from slipway.core.access.roles import Role
from slipway.core.app_settings import model
from slipway.core.app_settings.configuration import WEB, Configuration, Defaults
from slipway.core.app_settings.model import OF_AN_IMAGE
from slipway.core.deployment.states import State
from slipway.core.naming import validation
from slipway.core.naming.json_kinds import GIVEN
from slipway.domain import audit, intents, lifecycle
from slipway.domain.attached.services import refuse_service
from slipway.domain.audit import Action
from slipway.domain.previews import ending
from slipway.domain.quota import enforcement
from slipway.domain.route_table import add_first_host, touch_routes
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import App, Domain, Release, Scale, now

CREDENTIAL_MAX = 16384
_OF_SERVICES = frozenset({"resources", "timeouts"})
"""What can be set of an attached service."""


@dataclass(frozen=True, slots=True)
class NewApp:
    """A new app, built from a repository or run from an image."""

    name: str
    repository: str | None = None
    branch: str = "main"
    image: str | None = None
    credential: str | None = field(default=None, repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    replicas: int = 1
    hook: bool = False


def list_apps(services: Services, principal: Principal) -> list[documents.App]:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = session.scalars(select(App).where(App.deleted_at.is_(None)).order_by(App.name)).all()
        return show_apps(session, rows, principal.tenant, services.settings)


def get_app(services: Services, principal: Principal, name: str) -> documents.App:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return show_app(session, app_named(session, name), principal.tenant, services.settings)


def create_app(services: Services, principal: Principal, wanted: NewApp) -> documents.CreatedApp:
    """A new app with its first host; with `hook`, the hook of its repository too.

    Raises:
        Conflict: the name is taken.
        QuotaExceeded: the tenant may have no more apps, or not so many replicas.
    """
    if wanted.hook:
        principal.require(Role.OWNER)
    app = row_of(services, principal, wanted)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        enforcement.require_app(session, principal.tenant_id, replicas=wanted.replicas)
        add(session, app)
        seal_credential(services, app, wanted.credential)
        session.add(Scale(tenant_id=app.tenant_id, app_id=app.id, process=WEB, replicas=wanted.replicas))
        host = add_first_host(session, services.settings, app, principal.tenant)
        hook = hooks.ensure_hook(services, session, principal, wanted.repository or "") if wanted.hook else None
        audit.record(session, app.tenant_id, principal.actor, Action.APP_CREATE, app.name, host=host)
        shown = show_app(session, app, principal.tenant, services.settings)
        notices = hooks.notices_of_existing(hook, app.name) if hook and not hook.secret else []
        if hook:
            notices += hooks.notices_of_github(session, services.settings, app)
        if app.source == "git" and not wanted.hook:
            notices = [hooks.how_pushes_are_noticed(session, services.settings, app)]
        notices = [*notices, *_notices_of_access(services, session, app, wanted.settings)]
    services.queue.wake_agent(app.id)
    return documents.CreatedApp(**dict(shown), hook=hook, notices=notices)


def change_app(services: Services, principal: Principal, name: str, changes: dict[str, Any]) -> documents.ChangedApp:
    """Change `repository`, `branch`, `image`, `credential` (None: forget it) and `settings` (an RFC 7396 merge patch).

    Only changed settings of replicas make a deployment: what builds read matters to the next build, a changed source to
    the next deployment. What only the edges do is in force with the next generation of the route table.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, name, to_change=True)
        if not {*changes} - {"settings"} | {*(changes.get("settings") or ())} <= _OF_SERVICES:
            refuse_service(session, app, "has its other settings from its kind", "resources and timeouts can be set")
        url_before, repository_before, branch_before = app.repository, app.repository_identity, app.branch
        change_source(services, session, app, changes)
        deployment = None
        changed = changed_settings.change(session, app, changes.get("settings"))
        if app.repository != url_before or not OF_AN_IMAGE.isdisjoint(changed.names):
            app.build_inputs_changed_at = now()
        routes_only = changed.edges and not changed.replicas
        if routes_only:
            touch_routes(session, session.scalars(select(Domain.host).filter_by(app_id=app.id)))
        elif changed.replicas:
            changed_settings.require_quota(session, app, Defaults.of(services.settings))
            deployment = intents.reconfigure(session, app, actor=principal.actor.name, what="settings changed")
        recorded = {"fields": sorted(changes), "settings": list(changed.names)}
        audit.record(session, app.tenant_id, principal.actor, Action.APP_CHANGE, name, **recorded)
        session.flush()
        shown = documents.ChangedApp(
            app=show_app(session, app, principal.tenant, services.settings),
            deployment=show_deployment(session, deployment, services.settings.public_url) if deployment else None,
            at_the_edge=routes_only,
            behind_file=list(changed.behind_file),
            with_next_build=list(changed.builds) if app.source == "git" else [],
            notices=[
                *hooks.notices_of_moving(session, services.settings, app, repository_before, branch_before),
                *changed_settings.notices(session, app, changed),
                *_notices_of_access(services, session, app, changed.names),
            ],
        )
    intents.enqueue(services.queue, [deployment] if deployment else [])
    if routes_only:
        services.queue.wake_agent(app.id)
    return shown


def _notices_of_access(services: Services, session: Session, app: App, changed: Collection[str]) -> list[str]:
    if access.ACCESS not in changed:
        return []
    return access.notices(services.settings, app.name, access.in_force(session, app).settings)


def delete_app(
    services: Services, principal: Principal, name: str, *, confirmed: str, with_volumes: bool = False
) -> documents.DeletedApp:
    """Stop its unfinished deployments and remove its hosts; the agent removes the rest, then the row. Volumes stay,
    except `with_volumes`.

    Raises:
        ConfirmationRequired: `confirmed` is not the app's name.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, name, to_change=True)
        require_confirmation("app", name, confirmed)
        refuse_service(session, app, "is removed as such", f"slipway services remove {name}")
        ending.remove_all(session, app, principal.actor)
        kept = [] if with_volumes else volumes.names_of(session, app)
        removed = delete(session, app, with_volumes=with_volumes)
        audit.record(session, app.tenant_id, principal.actor, Action.APP_DELETE, name, volumes=removed)
        session.flush()
        notices = hooks.notices_of_leaving(session, name, app.repository_identity)
    services.queue.wake_agent(app.id)
    return documents.DeletedApp(name=name, notices=notices, kept_volumes=kept, removed_volumes=removed)


def delete(session: Session, app: App, *, with_volumes: bool) -> list[str]:
    """Have the agent remove the app, with everything that is its own. Returns the volumes that go with it."""
    app.deleted_at = now()
    for deployment in unfinished(session, app):
        lifecycle.request_stop(deployment, State.CANCELLED, "the app was deleted")
    touch_routes(session, session.scalars(select(Domain.host).filter_by(app_id=app.id)))
    return volumes.request_removals(session, app) if with_volumes else []


def scale_app(
    services: Services, principal: Principal, name: str, *, replicas: int, process: str = WEB
) -> documents.Scale:
    """Set the desired number of replicas; the agent starts and stops them."""
    validation.slug(process, "process's name")
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, name, to_change=True)
        _refuse_unscalable(session, app, process, replicas)
        intents.scale(session, app, replicas=replicas, process=process)
        audit.record(
            session, app.tenant_id, principal.actor, Action.APP_SCALE, name, process=process, replicas=replicas
        )
    services.queue.wake_agent(app.id)
    return documents.Scale(process=process, replicas=replicas)


def _refuse_unscalable(session: Session, app: App, process: str, replicas: int) -> None:
    """Before the first deployment every name of a process is accepted: slipway.toml may declare it."""
    live = intents.live_deployment(session, app.id)
    release = session.get(Release, live.release_id) if live and live.release_id else None
    if release is None:
        return
    scaled = session.scalars(select(Scale.process).filter_by(app_id=app.id))
    known = {WEB, *release.configuration.get("commands", ()), *app.settings.get("processes", ()), *scaled}
    if process not in known:
        raise NotFound(
            f"{app.name} has no process {process!r}.",
            remedy=f"it has: {', '.join(sorted(known))}; slipway.toml names others under [processes]",
        )
    if replicas > 1 and release.configuration.get("volumes"):
        _refuse_sharing(app, process, Configuration.from_json(release.configuration))


def _refuse_sharing(app: App, process: str, frozen: Configuration) -> None:
    for each in frozen.mounts_of(process):
        if each.shared is False:
            raise Conflict(
                f"{process} of {app.name} can have one replica: its volume {each.name} ({each.path}) is not shared.",
                remedy="if the app can share it: shared = true under [[volumes]] in slipway.toml, then deploy",
            )


def row_of(services: Services, principal: Principal, wanted: NewApp) -> App:
    """The row of a new app, which no session has yet. Raises `InvalidInput`."""
    if bool(wanted.repository) == bool(wanted.image):
        raise InvalidInput("an app comes from a repository or from an image", remedy="give one of the two")
    if wanted.hook and not wanted.repository:
        raise InvalidInput("an image has no pushes", remedy="leave hook out, or give a repository")
    app = App(tenant_id=principal.tenant_id, name=validation.app_name(wanted.name), settings=wanted.settings)
    model.parse(wanted.settings, GIVEN)
    app.branch = validation.branch(wanted.branch)
    if wanted.repository:
        app.source = "git"
        set_repository(services, app, wanted.repository)
    else:
        app.source = "image"
        app.image = validation.image_name(wanted.image or "", services.settings.registries)
    return app


def add(session: Session, app: App) -> None:
    """Raises `Conflict` when the name is taken."""
    taken = session.scalar(select(App).filter_by(name=app.name))
    if taken is not None and taken.deleted_at is not None:
        raise Conflict(f"an app {app.name!r} is still being deleted", remedy="try again in a moment")
    with unique_or(session, Conflict(f"there is an app {app.name!r} already", remedy="choose another name")):
        session.add(app)
