"""Which apps use a service: its address is in one of their variables."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.attached.services import changed
from router.usecases.attached.showing import service_named
from router.usecases.finding import app_named
from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.attached.kinds import KINDS
from slipway.core.naming import validation
from slipway.domain import audit, intents
from slipway.domain.attached import credentials
from slipway.domain.attached.services import refuse_attached, refuse_service
from slipway.domain.audit import Action
from slipway.errors import Conflict, NotFound
from slipway.models import App, AttachedService, ServiceAttachment, Variable


def attach(
    services: Services, principal: Principal, name: str, app_name: str, variable: str | None
) -> documents.ChangedService:
    """Set the service's address as a secret variable of an app, which gets a deployment. Twice is once.

    Raises:
        Conflict: the app has it under another name, or has a variable of that name.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        (service, app), user = _locked(session, name, app_name)
        kind = KINDS[service.kind]
        wanted = validation.variable_name(variable or kind.variable)
        refuse_service(session, user, "uses no other one", "attach it to an app")
        if _is_attached(session, service, user, app, wanted):
            return changed(session, services, service, app, [])
        _refuse_set(session, user, wanted)
        of_both = {"service_id": service.id, "app_id": user.id}
        session.add(ServiceAttachment(tenant_id=app.tenant_id, variable=wanted, **of_both))
        url = credentials.read(session, services.values, app, kind).url(kind)
        credentials.put(session, services.values, user, wanted, url)
        made = intents.reconfigure(session, user, actor=principal.actor.name, what=f"{app.name} attached as {wanted}")
        detail = {"app": user.name, "variable": wanted}
        audit.record(session, app.tenant_id, principal.actor, Action.SERVICE_ATTACH, app.name, **detail)
        shown = changed(session, services, service, app, [made] if made else [])
    intents.enqueue(services.queue, [made] if made else [])
    return shown


def detach(services: Services, principal: Principal, name: str, app_name: str) -> documents.ChangedService:
    """Take the variable away. Its data stays, and so does its password: `rotate_service` gives it another one.

    Raises:
        NotFound: the app does not use it.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        (service, app), user = _locked(session, name, app_name)
        row = session.scalar(select(ServiceAttachment).filter_by(service_id=service.id, app_id=user.id))
        if row is None:
            raise NotFound(
                f"{name} is not attached to {app_name}.", remedy=f"see to which: slipway services show {name}"
            )
        session.delete(row)
        for each in session.scalars(_variables(user, row.variable)):
            session.delete(each)
        session.flush()
        made = intents.reconfigure(session, user, actor=principal.actor.name, what=f"{app.name} detached")
        detail = {"app": user.name, "variable": row.variable}
        audit.record(session, app.tenant_id, principal.actor, Action.SERVICE_DETACH, app.name, **detail)
        shown = changed(session, services, service, app, [made] if made else [])
    intents.enqueue(services.queue, [made] if made else [])
    return shown


def _locked(session: Session, name: str, app_name: str) -> tuple[tuple[AttachedService, App], App]:
    """The service before the app, as whoever renews a password does."""
    return service_named(session, name, to_change=True), app_named(session, app_name, to_change=True)


def _is_attached(session: Session, service: AttachedService, user: App, app: App, wanted: str) -> bool:
    row = session.scalar(select(ServiceAttachment).filter_by(service_id=service.id, app_id=user.id))
    if row is not None and row.variable != wanted:
        raise Conflict(
            f"{user.name} has {app.name} as {row.variable} already",
            remedy=f"detach it first: slipway services detach {app.name} -a {user.name}",
        )
    return row is not None


def _refuse_set(session: Session, user: App, variable: str) -> None:
    refuse_attached(session, user, [variable])
    if session.scalar(_variables(user, variable)) is not None:
        raise Conflict(
            f"{user.name} has a variable {variable} already",
            remedy=f"name another one: --as {variable}_2\nor unset it: slipway env unset -a {user.name} {variable}",
        )


def _variables(user: App, name: str) -> Select[Variable]:
    return select(Variable).filter_by(app_id=user.id, environment=PRODUCTION, scope="run", name=name)
