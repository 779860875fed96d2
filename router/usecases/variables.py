"""Environment variables, sealed at rest: for builds, or for replicas."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.showing.deployments import show_deployment
from slipway.core.access import roles
from slipway.core.access.roles import Role
from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.naming import validation
from slipway.domain import audit, intents
from slipway.domain.attached.services import refuse_attached
from slipway.domain.audit import Action
from slipway.domain.releases.variables import place_of
from slipway.errors import Conflict, InvalidInput, NotFound
from slipway.models import App, Deployment, Variable, now

VALUE_MAX_BYTES = 64 << 10
PER_SCOPE = 300
TOTAL_MAX_BYTES = 512 << 10
"""All sealed variables of one scope: the environment that a process can be started with is bounded."""


def list_variables(services: Services, principal: Principal, app_name: str) -> documents.Variables:
    """Values are shown to those who may change them."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return documents.Variables(variables=_shown(services, principal, session, app_named(session, app_name)))


def list_names(services: Services, principal: Principal, app_name: str) -> documents.Variables:
    """Without values, whoever asks."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        rows = _rows(session, app_named(session, app_name))
        return documents.Variables(variables=[_document(row, None) for row in rows])


def reveal_variable(
    services: Services, principal: Principal, app_name: str, *, name: str, scope: str
) -> documents.Variable:
    """One with its value. That it was seen is recorded.

    Raises:
        NotFound: the app has no such variable.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        row = next((each for each in _rows(session, app) if (each.name, each.scope) == (name, scope)), None)
        if row is None:
            raise NotFound(f"{app.name} has no variable {name[:80]!r}.", remedy=f"see them: slipway env -a {app.name}")
        audit.record(
            session, app.tenant_id, principal.actor, Action.VARIABLE_REVEAL, app.name, name=row.name, scope=row.scope
        )
        return _document(row, services.values.open(row.sealed, *place_of(app, row.name)))


@dataclass(frozen=True, slots=True)
class Changes:
    """What shall become of an app's variables, all or nothing."""

    put: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    rename: dict[str, str] = field(default_factory=dict)
    """Old name → new name."""
    secret: bool = False
    """Mark what is set as secret, which stays until it is unset."""


def change_variables(
    services: Services, principal: Principal, app_name: str, wanted: Changes, *, scope: str, dry_run: bool = False
) -> documents.ChangedVariables:
    """A change for replicas makes a deployment; one for builds waits for the next. `dry_run`: all is checked,
    nothing is changed, and no value is shown.

    Raises:
        InvalidInput: a name or a value breaks a rule, or all together are too much.
        NotFound: what is to be renamed is not set.
        Conflict: its new name is set, or a service that is attached sets one of them.
    """
    _check(wanted)
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        if scope == "run":
            refuse_attached(session, app, {*wanted.put, *wanted.remove, *wanted.rename, *wanted.rename.values()})
        before = [_document(row, None) for row in _rows(session, app)] if dry_run else []
        changed = _change(services, session, app, wanted, scope)
        if dry_run:
            session.rollback()
            return documents.ChangedVariables(variables=before, changed=changed, deployment=None)
        if changed and scope == "build":
            app.build_inputs_changed_at = now()
        deployment = _reconfigure(session, principal, app, changed) if changed and scope == "run" else None
        audit.record(
            session, app.tenant_id, principal.actor, Action.VARIABLES_CHANGE, app.name, names=changed, scope=scope
        )
        shown = documents.ChangedVariables(
            variables=_shown(services, principal, session, app),
            changed=changed,
            deployment=show_deployment(session, deployment, services.settings.public_url) if deployment else None,
        )
    intents.enqueue(services.queue, [deployment] if deployment else [])
    return shown


def _check(wanted: Changes) -> None:
    for name in (*wanted.put, *wanted.rename.values()):
        validation.variable_name(name)
    for name, value in wanted.put.items():
        if len(value.encode()) > VALUE_MAX_BYTES:
            raise InvalidInput(f"the value of {name} is too long", remedy=f"keep it under {VALUE_MAX_BYTES >> 10} KiB")
    both = sorted(wanted.put.keys() & set(wanted.remove))
    if both:
        raise InvalidInput(f"{both[0]} is both set and unset", remedy="do one of the two")
    names = Counter([*wanted.rename, *wanted.rename.values(), *wanted.put, *set(wanted.remove)])
    twice = sorted(name for name, times in names.items() if times > 1)
    if twice:
        raise InvalidInput(f"{twice[0]} is renamed and changed otherwise", remedy="do one after the other")


def _change(services: Services, session: Session, app: App, wanted: Changes, scope: str) -> list[str]:
    """Change the rows. Returns the names whose values or marks have changed."""
    query = select(Variable).filter_by(app_id=app.id, environment=PRODUCTION, scope=scope)
    rows = {row.name: row for row in session.scalars(query)}
    changed = sorted(set(wanted.remove) & rows.keys())
    for name in changed:
        session.delete(rows.pop(name))
    for old, new in wanted.rename.items():
        _rename(services, app, rows, old, new)
        changed += [old, new]
    for name, value in wanted.put.items():
        row = rows.get(name)
        if row is not None and _is_already(services, app, row, value, secret=wanted.secret):
            continue
        rows[name] = _put(services, session, app, row or _new(app, name, scope), value, secret=wanted.secret)
        changed.append(name)
    if len(rows) > PER_SCOPE or sum(len(row.sealed) for row in rows.values()) > TOTAL_MAX_BYTES:
        raise InvalidInput("that is too much environment for one app", remedy="put big values into files or a store")
    session.flush()
    return changed


def _new(app: App, name: str, scope: str) -> Variable:
    return Variable(tenant_id=app.tenant_id, app_id=app.id, name=name, scope=scope)


def _put(services: Services, session: Session, app: App, row: Variable, value: str, *, secret: bool) -> Variable:
    row.sealed = services.values.seal(value, *place_of(app, row.name))
    row.is_secret = row.is_secret or secret
    session.add(row)
    return row


def _rename(services: Services, app: App, rows: dict[str, Variable], old: str, new: str) -> None:
    """The value is sealed under its variable's name, so it is sealed anew."""
    if old not in rows:
        raise NotFound(f"{app.name} has no variable {old[:80]!r}.", remedy=f"see them: slipway env -a {app.name}")
    if new in rows:
        raise Conflict(
            f"{app.name} has a variable {new} already", remedy=f"unset it first: slipway env unset -a {app.name} {new}"
        )
    row = rows[new] = rows.pop(old)
    row.sealed = services.values.seal(services.values.open(row.sealed, *place_of(app, old)), *place_of(app, new))
    row.name = new


def _is_already(services: Services, app: App, row: Variable, value: str, *, secret: bool) -> bool:
    return row.is_secret >= secret and services.values.open(row.sealed, *place_of(app, row.name)) == value


def _reconfigure(session: Session, principal: Principal, app: App, changed: list[str]) -> Deployment | None:
    what = f"variables changed: {', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}"
    return intents.reconfigure(session, app, actor=principal.actor.name, what=what)


def _shown(services: Services, principal: Principal, session: Session, app: App) -> list[documents.Variable]:
    readable = roles.may(principal.role, Role.DEVELOPER)
    rows = _rows(session, app)
    return [
        _document(row, services.values.open(row.sealed, *place_of(app, row.name)) if readable else None) for row in rows
    ]


def _rows(session: Session, app: App) -> list[Variable]:
    query = select(Variable).filter_by(app_id=app.id, environment=PRODUCTION).order_by(Variable.scope, Variable.name)
    return list(session.scalars(query))


def _document(row: Variable, value: str | None) -> documents.Variable:
    return documents.Variable(
        name=row.name, scope=row.scope, value=value, secret=row.is_secret, updated_at=row.updated_at
    )
