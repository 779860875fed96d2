"""Who may use an app: shown as it is in force, and changed. Edges have a change within a second."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.showing.apps import file_settings_of
from slipway.core.access.path_rules import Access
from slipway.core.access.policies import describe
from slipway.core.app_settings import access, merge_patch
from slipway.core.app_settings.access import AccessSettings
from slipway.domain import audit, intents
from slipway.domain.audit import Action
from slipway.domain.route_table import touch_routes
from slipway.errors import Conflict
from slipway.models import App, Domain
from slipway.settings import OFF, Settings

ACCESS = "access"
_PARTS = ("allow", "paths")


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for an app, and where it is from."""

    own: AccessSettings
    settings: AccessSettings
    fixed: tuple[str, ...]
    """Parts that the file sets."""

    def resolved(self, settings: Settings) -> Access:
        return self.settings.resolved(sign_on=settings.keycloak != OFF)


def show_access(services: Services, principal: Principal, app_name: str) -> documents.Access:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        return _shown(services.settings, principal, app.name, in_force(session, app))


def set_access(services: Services, principal: Principal, app_name: str, wanted: AccessSettings) -> documents.Access:
    """Raises `Conflict` when the slipway.toml of what serves goes before what is to change."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        _refuse_fixed(in_force(session, app), wanted)
        others = {name: value for name, value in app.settings.items() if name != ACCESS}
        said = wanted.kept()
        app.settings = others | ({ACCESS: said} if said else {})
        touch_routes(session, session.scalars(select(Domain.host).filter_by(app_id=app.id)))
        audit.record(session, app.tenant_id, principal.actor, Action.ACCESS_CHANGE, app.name, **said)
        shown = _shown(services.settings, principal, app.name, in_force(session, app))
    services.queue.wake_agent(app.id)
    return shown


def in_force(session: Session, app: App) -> InForce:
    """The app's settings with the live release's slipway.toml over them."""
    live = intents.live_deployment(session, app.id)
    file = file_settings_of(session, [live]).get(app.id, {}) if live else {}
    fixed = tuple(part for part in _PARTS if part in file.get(ACCESS, {}))
    own = app.settings.get(ACCESS, {})
    return InForce(access.parse(own), access.parse(merge_patch.in_force(own, file.get(ACCESS, {}))), fixed)


def notices(settings: Settings, app_name: str, said: AccessSettings) -> list[str]:
    """What people should know who said this: that something is open to everybody, or that it is closed to all."""
    resolved = said.resolved(sign_on=settings.keycloak != OFF)
    if settings.keycloak == OFF:
        return [] if resolved.is_public else [
            "Sign-on is off on this platform: what is not public admits nobody (503) until SLIPWAY_KEYCLOAK is set."
        ]  # fmt: skip
    public = [rule.path for rule in resolved.paths if rule.allow.is_public]
    if resolved.allow.is_public:
        return [f"{app_name} is public: everybody sees it without signing in{_but(resolved)}."]
    return [f"Public, everybody sees it without signing in: {', '.join(public)}."] if public else []


def _but(resolved: Access) -> str:
    closed = [rule.path for rule in resolved.paths if not rule.allow.is_public]
    return f", but for {', '.join(closed)}" if closed else ""


def _refuse_fixed(current: InForce, wanted: AccessSettings) -> None:
    changed = [part for part in current.fixed if getattr(wanted, part) != getattr(current.own, part)]
    if changed:
        names = " and ".join(f"{ACCESS}.{part}" for part in changed)
        raise Conflict(
            f"The slipway.toml of what serves says {names}, and goes before the app's settings.",
            remedy="change it there and push",
        )


def _shown(settings: Settings, principal: Principal, app_name: str, current: InForce) -> documents.Access:
    resolved = current.resolved(settings)
    return documents.Access(
        allow=list(resolved.allow.terms),
        who=describe(resolved.allow, principal.tenant),
        paths=[
            documents.PathPolicy(
                path=rule.path, allow=list(rule.allow.terms), who=describe(rule.allow, principal.tenant)
            )
            for rule in resolved.paths
        ],
        own=_own(current.own),
        fixed=list(current.fixed),
        sign_on=settings.keycloak != OFF,
        notices=notices(settings, app_name, current.settings),
    )


def _own(own: AccessSettings) -> documents.OwnAccess:
    rules = [documents.OwnRule(path=rule.path, allow=list(rule.allow)) for rule in own.paths]
    return documents.OwnAccess(allow=list(own.allow) if own.allow else None, paths=rules)
