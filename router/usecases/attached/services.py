"""Services: make, show, change and remove them, and renew their passwords."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases import apps
from router.usecases.attached.showing import service_named, show_service, show_services, show_task
from router.usecases.confirmation import require_confirmation
from router.usecases.showing.deployments import show_deployments
from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.core.app_settings.configuration import WEB
from slipway.core.attached.kinds import KINDS, kind_named
from slipway.core.attached.tasks import TaskKind
from slipway.core.runs import cron_expression
from slipway.domain import audit, intents
from slipway.domain.attached import credentials, tasks
from slipway.domain.attached.services import attachments_of
from slipway.domain.audit import Action
from slipway.domain.quota import enforcement
from slipway.errors import Conflict
from slipway.models import App, AttachedService, Deployment, Scale, ServiceTask, now

BACKUPS_KEPT, BACKUPS_KEPT_MOST = 7, 100


@dataclass(frozen=True, slots=True)
class NewService:
    kind: str
    name: str
    version: str | None = None
    memory_mb: int | None = None


def list_services(services: Services, principal: Principal) -> documents.Services:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        query = select(AttachedService, App).join(App, App.id == AttachedService.app_id)
        rows = session.execute(query.where(App.deleted_at.is_(None)).order_by(App.name))
        return documents.Services(services=show_services(session, [(service, app) for service, app in rows]))


def get_service(services: Services, principal: Principal, name: str) -> documents.ShownService:
    """With its address for those who may change variables."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name)
        kind, url = KINDS[service.kind], None
        if roles.may(principal.role, Role.DEVELOPER):
            with suppress(Conflict):  # it has no password
                url = credentials.read(session, services.values, app, kind).url(kind)
        return documents.ShownService(**dict(show_service(session, service, app)), url=url)


def create_service(services: Services, principal: Principal, wanted: NewService) -> documents.ChangedService:
    """An app that runs the service's image, and its first deployment. No host leads to it.

    Raises:
        InvalidInput: there is no such service, or no such version of it.
        Conflict: the name is taken.
        QuotaExceeded: the tenant may have no more apps or replicas.
    """
    kind = kind_named(wanted.kind)
    version = wanted.version or kind.default_version
    image = f"{services.settings.service_registry}/{kind.image(version)}".removeprefix("/")
    app = apps.row_of(
        services, principal, apps.NewApp(wanted.name, image=image, settings=kind.settings(wanted.memory_mb))
    )
    with services.db.write(tenant_id=principal.tenant_id) as session:
        enforcement.require_app(session, principal.tenant_id, replicas=1)
        apps.add(session, app)
        session.add(Scale(tenant_id=app.tenant_id, app_id=app.id, process=WEB, replicas=1))
        credentials.write_first(session, services.values, app, kind)
        service = AttachedService(
            tenant_id=app.tenant_id,
            app_id=app.id,
            kind=kind.name,
            version=version,
            schedule=_nightly(),
            backups_kept=BACKUPS_KEPT,
        )
        session.add(service)
        made = intents.deploy(session, app, ref=app.image, actor=principal.actor.name)
        audit.record(
            session, app.tenant_id, principal.actor, Action.SERVICE_CREATE, app.name, kind=kind.name, version=version
        )
        shown = changed(session, services, service, app, [made])
    intents.enqueue(services.queue, [made])
    return shown


def change_service(
    services: Services, principal: Principal, name: str, *, schedule: str | None, backups_kept: int | None
) -> documents.Service:
    """When backups are made, and how many are kept. None: as it is.

    Raises:
        InvalidInput: that is no schedule.
    """
    if schedule:
        cron_expression.parse(schedule)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name, to_change=True)
        if schedule is not None and schedule != service.schedule:
            service.schedule, service.scheduled_at = schedule, now()
        service.backups_kept = service.backups_kept if backups_kept is None else backups_kept
        said = {"schedule": service.schedule, "backups_kept": service.backups_kept}
        audit.record(session, app.tenant_id, principal.actor, Action.SERVICE_CHANGE, app.name, **said)
        session.flush()
        return show_service(session, service, app)


def rotate_service(services: Services, principal: Principal, name: str) -> documents.RotatedService:
    """A new password, for the service and for every app that uses it. One that takes its password when it starts
    restarts at once, with its apps; of another the agent has the running program take it first.

    Raises:
        Conflict: a new password is under way.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name, to_change=True)
        kind, password = KINDS[service.kind], credentials.new_password()
        task, made = None, []
        if kind.new_password is None:
            made = credentials.renew(session, services.values, service, password, actor=principal.actor.name)
        else:
            task = tasks.add_rotation(session, services.values, service, password, actor=principal.actor.name)
        audit.record(session, app.tenant_id, principal.actor, Action.SERVICE_ROTATE, app.name)
        shown = documents.RotatedService(
            **dict(changed(session, services, service, app, made)), task=show_task(task) if task else None
        )
    intents.enqueue(services.queue, made)
    services.queue.wake_agent(app.id)
    return shown


def remove_service(services: Services, principal: Principal, name: str, *, confirmed: str) -> documents.RemovedService:
    """With its data and its backups, for good. The agent removes what there is of it.

    Raises:
        ConfirmationRequired: `confirmed` is not its name.
        Conflict: an app uses it.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        service, app = service_named(session, name, to_change=True)
        require_confirmation("service", name, confirmed)
        users = [user.name for _, user in attachments_of(session, service)]
        if users:
            raise Conflict(
                f"{name} is attached to {', '.join(users)}; nothing was removed.",
                remedy="\n".join(f"detach it first: slipway services detach {name} -a {user}" for user in users),
            )
        backups = _backups(session, service)
        removed = apps.delete(session, app, with_volumes=True)
        detail = {"volumes": removed, "backups": backups}
        audit.record(session, app.tenant_id, principal.actor, Action.SERVICE_REMOVE, app.name, **detail)
    services.queue.wake_agent(app.id)
    return documents.RemovedService(name=name, removed_volumes=removed, removed_backups=backups)


def changed(
    session: Session, services: Services, service: AttachedService, app: App, made: list[Deployment]
) -> documents.ChangedService:
    session.flush()
    return documents.ChangedService(
        service=show_service(session, service, app),
        deployments=show_deployments(session, made, services.settings.public_url),
    )


def _backups(session: Session, service: AttachedService) -> int:
    query = select(func.count(ServiceTask.id)).filter_by(service_id=service.id, kind=str(TaskKind.BACKUP))
    return session.scalar(query.where(ServiceTask.file != "")) or 0


def _nightly() -> str:
    """At night by UTC, and not all services at one moment."""
    return f"{secrets.randbelow(60)} {1 + secrets.randbelow(4)} * * *"
