"""The platform's GitHub App: registered once by who runs the platform, connected by owners of tenants.

Both lead through pages of GitHub and back. A sealed state goes along, so that what comes back is of the person and the
tenant for whom it was begun.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from slipway.adapters.github import people, registering
from slipway.adapters.vault import SealBroken
from slipway.core.github import addresses
from slipway.core.github.manifest import INSTALLED_PATH, manifest
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.github import app as github_app
from slipway.domain.github import installations
from slipway.errors import Conflict, NotAllowed, NotFound
from slipway.models import GitHubInstallation, now

STATE_S = 3600


class Step(StrEnum):
    REGISTER = "register"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True)
class ManifestForm:
    """What the browser sends to GitHub."""

    url: str
    manifest: str
    origin: str
    """GitHub's, to which the page's policy lets forms go."""


def show(services: Services, principal: Principal) -> documents.GitHub:
    """The App, and the tenant's installations of it."""
    registration = services.github.registration
    query = select(GitHubInstallation).order_by(GitHubInstallation.account, GitHubInstallation.id)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = [_shown(row) for row in session.scalars(query)]
    return documents.GitHub(
        app=registration.slug if registration else None,
        app_url=f"{registration.web_url}/apps/{registration.slug}" if registration else None,
        installations=found,
    )


def _shown(row: GitHubInstallation) -> documents.GitHubInstallation:
    return documents.GitHubInstallation(
        id=row.id,
        account=row.account,
        repositories=row.selection,
        state=row.state,
        connected_by=row.connected_by,
        created_at=row.created_at,
    )


def begin_registration(services: Services, principal: Principal, organization: str, *, is_public: bool) -> ManifestForm:
    """For people with the role platform-admin. `organization`: whose App it will be; empty: that of who is signed in at
    GitHub. `is_public`: other accounts may install it, too."""
    principal.require_platform_admin()
    settings = services.settings
    web = addresses.web_url(settings.github_api)
    owner = f"/organizations/{quote(organization, safe='')}" if organization else ""
    wanted = manifest(settings.public_url, settings.instance) | {"public": is_public}
    state = _state(services, principal, Step.REGISTER)
    return ManifestForm(f"{web}{owner}/settings/apps/new?{urlencode({'state': state})}", json.dumps(wanted), web)


def finish_registration(services: Services, principal: Principal, code: str, state: str) -> str:
    """Back from GitHub: keep the App. Returns its name.

    Raises:
        NotAllowed: somebody else began it, or too long ago.
        Conflict: the host's settings name an App.
    """
    principal.require_platform_admin()
    _require_state(services, principal, Step.REGISTER, state)
    if services.settings.github_app_id:
        raise Conflict("the host's settings name a GitHub App", remedy="take SLIPWAY_GITHUB_APP_ID out of them first")
    registration, secret = registering.register(services.settings.github_api, code)
    github_app.keep(services.db, services.values, services.hooks, registration, secret)
    services.github.forget()
    with services.db.write(platform="the platform's GitHub App was registered") as session:
        detail = {"app_id": registration.app_id, "api": registration.api}
        audit.record(session, None, principal.actor, Action.GITHUB_REGISTER, registration.slug, **detail)
    return registration.slug


def connect_urls(services: Services, principal: Principal) -> tuple[str, str] | None:
    """Where an owner installs the App, and where they connect what is installed already; None: there is no App."""
    registration = services.github.registration
    if registration is None:
        return None
    state = _state(services, principal, Step.CONNECT)
    back = services.settings.public_url.rstrip("/") + INSTALLED_PATH
    asked = urlencode({"client_id": registration.client_id, "redirect_uri": back, "state": state})
    install = f"{registration.install_url}?{urlencode({'state': state})}"
    return install, f"{registration.web_url}/login/oauth/authorize?{asked}"


def finish_connecting(services: Services, principal: Principal, code: str, state: str) -> list[str]:
    """Back from GitHub: connect all installations that the person administers there and that no other tenant has.
    Returns their accounts.

    Raises:
        NotAllowed: somebody else began it, or too long ago.
        NotFound: they administer none.
        Conflict: another tenant has all of them.
    """
    _require_state(services, principal, Step.CONNECT, state)
    login, found = people.administered(services.github.require(), code)
    if not found:
        raise NotFound(
            f"{login} administers no account at GitHub that has the App installed",
            remedy="install it for an account of yours, or ask an owner of the organization to connect it",
        )
    return _connect_all(services, principal, login, found)


def _connect_all(services: Services, principal: Principal, login: str, found: list[people.Administered]) -> list[str]:
    done, refused = [], list[Conflict]()
    for each in found:
        try:
            with services.db.write(tenant_id=principal.tenant_id) as session:
                installations.connect(
                    session,
                    principal.tenant_id,
                    principal.actor,
                    number=each.id,
                    account=each.account,
                    selection=each.selection,
                    login=login,
                    state=each.state,
                )
            done.append(each.account)
        except Conflict as error:
            refused.append(error)
    if not done:
        raise refused[0]
    return done


def disconnect(services: Services, principal: Principal, number: int) -> None:
    """Its repositories serve the tenant's apps no more. It stays installed at GitHub."""
    with services.db.write(tenant_id=principal.tenant_id) as session:
        row = session.get(GitHubInstallation, number)
        if row is None or row.tenant_id != principal.tenant_id:
            raise NotFound(f"there is no installation {number} here", remedy="slipway github")
        installations.disconnect(session, principal.actor, row)


def _state(services: Services, principal: Principal, step: Step) -> str:
    ends = str(int(now().timestamp()) + STATE_S)
    return services.values.seal(ends, *_place(principal, step))


def _require_state(services: Services, principal: Principal, step: Step, state: str) -> None:
    try:
        ends = int(services.values.open(state, *_place(principal, step)))
    except (SealBroken, ValueError):
        ends = 0
    if ends < now().timestamp():
        raise NotAllowed(
            "this was not begun here by you in this tenant within the last hour: nothing was done",
            remedy="begin again from the console",
        )


def _place(principal: Principal, step: Step) -> tuple[object, ...]:
    return "github-state", step, principal.tenant_id, principal.kind, principal.id
