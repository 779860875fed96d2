"""A service's credentials: in its own variables, and as a copy in those of the apps that use it.

Copies, since a release freezes its variables: a reference would be looked up at the same moment, and apps would show
names that nobody set. Whoever renews the password writes every copy in the same transaction.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.attached.credentials import Credentials
from slipway.core.attached.kinds import KINDS, Kind
from slipway.domain import intents
from slipway.domain.attached.services import attachments_of
from slipway.domain.releases.variables import place_of
from slipway.models import App, AttachedService, Deployment, Variable

_SCOPE = "run"


def new_password() -> str:
    return secrets.token_hex(24)


def write_first(session: Session, vault: Vault, app: App, kind: Kind) -> None:
    """The variables of a service that was just made."""
    made = Credentials(app.name, new_password(), new_password())
    for name, value in made.environment(kind).items():
        put(session, vault, app, name, value)


def read(session: Session, vault: Vault, app: App, kind: Kind) -> Credentials:
    """Raises `SealBroken` when they can't be opened."""
    rows = session.scalars(select(Variable).filter_by(app_id=app.id, environment=PRODUCTION, scope=_SCOPE))
    variables = {row.name: vault.open(row.sealed, *place_of(app, row.name)) for row in rows}
    return Credentials.of(kind, app.name, variables)


def renew(session: Session, vault: Vault, service: AttachedService, password: str, *, actor: str) -> list[Deployment]:
    """Write a new password wherever the old one is. Returns the deployments by which it is in force: of the apps that
    use it, and of the service where that takes its password when it starts."""
    app, kind = session.get_one(App, service.app_id), KINDS[service.kind]
    credentials = replace(read(session, vault, app, kind), password=password)
    put(session, vault, app, kind.password_variable, password)
    changed = [app] if kind.new_password is None else []
    for attachment, user in attachments_of(session, service):
        put(session, vault, user, attachment.variable, credentials.url(kind))
        changed.append(user)
    made = [intents.reconfigure(session, each, actor=actor, what=f"new password of {app.name}") for each in changed]
    return [each for each in made if each is not None]


def put(session: Session, vault: Vault, app: App, name: str, value: str) -> None:
    """A variable of the app's replicas, marked as secret."""
    of_app = {"app_id": app.id, "environment": PRODUCTION, "scope": _SCOPE, "name": name}
    row = session.scalar(select(Variable).filter_by(**of_app)) or Variable(tenant_id=app.tenant_id, **of_app)
    row.sealed, row.is_secret = vault.seal(value, *place_of(app, name)), True
    session.add(row)
    session.flush()
