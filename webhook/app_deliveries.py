"""Deliveries of the platform's GitHub App: one address and one secret for the repositories of every tenant.

The signature shows that GitHub sent it; which tenant it is for, its installation says. An event of a repository goes on
as a delivery of that tenant's hook of the repository, which is made where there is none yet.
"""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.adapters.vault import Vault
from slipway.core.github import addresses, app_events
from slipway.core.push import push_event
from slipway.core.push.forges import GITHUB
from slipway.core.push.signatures import Presented
from slipway.db import Database
from slipway.domain.audit import Actor
from slipway.domain.github import app as github_app
from slipway.domain.github import checks, installations
from slipway.errors import InvalidInput
from slipway.models import TO_CHANGE, App, GitHubInstallation, Hook, Tenant
from slipway.models.repositories import hook_of, may_be_of, of_repository, parameters_of
from slipway.settings import Settings
from webhook import bodies
from webhook.deliveries import Deliveries, DeliveryResult
from webhook.hook_authentication import AuthenticatedHook, refusal
from webhook.records import CreatedDeployment, IncomingDelivery

_ID_BYTES = 16
_OF_INSTALLATION = frozenset({app_events.INSTALLATION, app_events.REPOSITORIES, app_events.RENAMED})
_OF_CHECKS = frozenset({app_events.CHECK_RUN, app_events.CHECK_SUITE})
_UNCONNECTED = "the installation is connected to no tenant here: nothing was done"


class AppDeliveries:
    """`vault` is that of hooks' secrets."""

    def __init__(self, database: Database, settings: Settings, vault: Vault, deliveries: Deliveries) -> None:
        self._database = database
        self._settings = settings
        self._vault = vault
        self._deliveries = deliveries
        self._nobodys_secret = secrets.token_urlsafe(32)

    def authenticate(self, presented: Presented) -> None:
        """Raises `NotAuthenticated`: it was not signed with the App's secret, or there is no App."""
        known = github_app.webhook_secrets(self._database, self._settings, self._vault)
        if not presented.proves(known or [self._nobodys_secret]) or not known:
            raise refusal("wrong signature of the GitHub App" if known else "there is no GitHub App")

    def process(self, incoming: IncomingDelivery) -> DeliveryResult:
        """After `authenticate`: do what the delivery asks for.

        Raises:
            InvalidInput, UnsupportedContent: it is not understood.
            DependencyUnavailable: nothing was done; deliver it again.
        """
        payload = bodies.parse(incoming.body, incoming.content_type)
        if not incoming.event:
            raise InvalidInput(f"The header {GITHUB.event_header} is missing or malformed.", remedy="set it to push")
        if incoming.event == GITHUB.ping_event:
            return DeliveryResult("pong")
        number = app_events.installation_id(payload)
        tenant_id = self._tenant_of(number)
        if tenant_id is None:
            return DeliveryResult(_UNCONNECTED)
        if incoming.event in _OF_INSTALLATION:
            return self._follow(tenant_id, number, incoming, payload)
        if incoming.event in _OF_CHECKS:
            return self._run_again(tenant_id, incoming, payload)
        return self._of_repository(tenant_id, incoming, payload)

    def _tenant_of(self, number: int) -> int | None:
        with self._database.read(platform="whose an installation of the GitHub App is") as session:
            return session.scalar(select(GitHubInstallation.tenant_id).where(GitHubInstallation.id == number))

    def _follow(self, tenant_id: int, number: int, incoming: IncomingDelivery, payload: object) -> DeliveryResult:
        change = app_events.installation_change(incoming.event, payload)
        with self._database.write(tenant_id=tenant_id) as session:
            return DeliveryResult(installations.follow(session, number, change))

    def _run_again(self, tenant_id: int, incoming: IncomingDelivery, payload: object) -> DeliveryResult:
        """Somebody who may write to the repository wants a check anew."""
        wanted = app_events.rerun(incoming.event, payload)
        if wanted is None:
            return DeliveryResult(f"nothing is done for this action of {incoming.event} events")
        actor = Actor("github: check wanted anew", incoming.address, incoming.request_id)
        repository = push_event.repository_of(payload)
        with self._database.write(tenant_id=tenant_id) as session:
            made = checks.run_again(session, repository, wanted, actor, incoming.delivery_id)
            created = [CreatedDeployment(deployment, app.name) for deployment, app in made]
        done = "; ".join(f"{each.app} is deployed again" for each in created)
        return DeliveryResult(done or "no app's newest deployment is of this check: nothing is deployed again", created)

    def _of_repository(self, tenant_id: int, incoming: IncomingDelivery, payload: object) -> DeliveryResult:
        full_name = push_event.repository_of(payload)
        identity = addresses.identity_at(github_app.api_of(self._database, self._settings), full_name)
        with self._database.write(tenant_id=tenant_id) as session:
            hook = _hook_of(session, tenant_id, identity)
        if hook is None:
            return DeliveryResult(f"no app deploys {full_name}; make one: slipway apps create")
        return self._deliveries.process(hook, incoming)


def _hook_of(session: Session, tenant_id: int, identity: str) -> AuthenticatedHook | None:
    """The tenant's hook of the repository; a new one, which has no secret, where an app is deployed from there. None:
    no app is."""
    found = hook_of(session, identity)
    if found is None and _has_app(session, identity):
        session.get(Tenant, tenant_id, with_for_update=TO_CHANGE)  # two at once would both find none
        found = hook_of(session, identity) or _add_hook(session, tenant_id, identity)
    return AuthenticatedHook(found.id, tenant_id, found.repository_identity) if found else None


def _has_app(session: Session, identity: str) -> bool:
    apps = select(App).where(may_be_of(App.repository_identity), App.source == "git", App.deleted_at.is_(None))
    return bool(of_repository(session.scalars(apps, parameters_of(identity)), identity))


def _add_hook(session: Session, tenant_id: int, identity: str) -> Hook:
    made = Hook(id=secrets.token_hex(_ID_BYTES), tenant_id=tenant_id, repository_identity=identity)
    session.add(made)
    session.flush()
    return made
