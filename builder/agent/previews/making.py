"""The app of a preview: made, and brought to what its parent is like now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import PRODUCTION, WEB
from slipway.core.previews import settings as preview_settings
from slipway.core.previews.names import app_name
from slipway.core.previews.settings import PreviewTable
from slipway.domain import audit, intents
from slipway.domain.audit import PULL_REQUEST, Action
from slipway.domain.quota import enforcement
from slipway.domain.route_table import add_first_host
from slipway.errors import Conflict
from slipway.models import App, Deployment, Preview, Scale, Tenant, Variable
from slipway.settings import Settings

_MARK_LENGTH = 4


class PreviewMaking:
    """Makes apps for pull requests, and deploys them. All within the caller's transaction."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        self._vault = vault
        self._settings = settings

    def deploy(self, session: Session, parent: App, row: Preview, chosen: PreviewTable, app: App | None) -> Deployment:
        """Deploy the pull request's head, in a new app where there is none.

        Raises:
            QuotaExceeded: the tenant may have no more.
            Conflict: no name or host is free.
            SealBroken: a variable or the credential can't be opened.
        """
        app = app or self._make(session, parent, row)
        self._follow_parent(session, parent, row, app)
        self._copy_variables(session, parent, row, chosen, app)
        made = self._push(session, row, app)
        row.made_sha, row.detail = row.head, ""
        return made

    def _make(self, session: Session, parent: App, row: Preview) -> App:
        enforcement.require_app(session, parent.tenant_id, replicas=1)
        app = App(
            tenant_id=parent.tenant_id,
            name=_free_name(session, parent, row),
            is_preview=True,
            repository=parent.repository,
            repository_identity=parent.repository_identity,
        )
        session.add(app)
        session.flush()
        session.add(Scale(tenant_id=app.tenant_id, app_id=app.id, process=WEB, replicas=1))
        tenant = session.get_one(Tenant, app.tenant_id).name
        host = add_first_host(session, self._settings, app, tenant)
        audit.record(session, app.tenant_id, PULL_REQUEST, Action.APP_CREATE, app.name, host=host)
        row.app_id = app.id
        return app

    def _follow_parent(self, session: Session, parent: App, row: Preview, app: App) -> None:
        app.repository, app.repository_identity = parent.repository, parent.repository_identity
        app.branch = row.branch
        app.settings = {name: value for name, value in parent.settings.items() if name != preview_settings.NAME}
        app.credential = None
        if parent.credential:
            place = (parent.tenant_id, parent.id, "credential")
            app.credential = self._vault.seal(
                self._vault.open(parent.credential, *place), app.tenant_id, app.id, "credential"
            )
        session.flush()

    def _copy_variables(self, session: Session, parent: App, row: Preview, chosen: PreviewTable, app: App) -> None:
        """What is not of the table is the parent's, which a fork never gets."""
        session.execute(delete(Variable).where(Variable.app_id == app.id))
        if chosen.inherit_variables and not row.is_fork:
            of_parent = select(Variable).filter_by(app_id=parent.id, environment=PRODUCTION)
            session.add_all(self._copies(parent, app, session.scalars(of_parent), chosen.variables))
        session.add_all(self._new(app, "run", name, value) for name, value in chosen.variables.items())
        session.flush()

    def _copies(
        self, parent: App, app: App, variables: Iterable[Variable], replaced: Mapping[str, Any]
    ) -> Iterable[Variable]:
        for each in variables:
            if each.scope == "run" and each.name in replaced:
                continue
            value = self._vault.open(each.sealed, parent.tenant_id, parent.id, PRODUCTION, each.name)
            yield self._new(app, each.scope, each.name, value, is_secret=each.is_secret)

    def _new(self, app: App, scope: str, name: str, value: str, *, is_secret: bool = False) -> Variable:
        sealed = self._vault.seal(value, app.tenant_id, app.id, PRODUCTION, name)
        return Variable(
            tenant_id=app.tenant_id, app_id=app.id, scope=scope, name=name, sealed=sealed, is_secret=is_secret
        )

    def _push(self, session: Session, row: Preview, app: App) -> Deployment:
        pushed = intents.Pushed(row.ref, row.head, "", row.author)
        key = f"preview:{app.next_sequence}:{row.head}"
        made = intents.push(session, app, pushed, idempotency_key=key, actor=PULL_REQUEST.name)
        detail = {"deployment": made.id, "commit": row.head, "pull_request": row.number}
        audit.record(session, app.tenant_id, PULL_REQUEST, Action.DEPLOYMENT_CREATE, app.name, **detail)
        return made


def _free_name(session: Session, parent: App, row: Preview) -> str:
    """Raises `Conflict`: its last preview is still being removed, or somebody's app is called so."""
    for mark in ("", row.key[:_MARK_LENGTH]):
        name = app_name(row.number, parent.name, mark)
        if session.scalar(select(App.id).filter_by(tenant_id=parent.tenant_id, name=name)) is None:
            return name
    raise Conflict(f"no name is free for the preview of #{row.number}", remedy="delete the app that has it")
