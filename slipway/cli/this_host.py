"""The platform on this host, as its owner sees it: its settings, its address, its first token."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from slipway import settings as slipway_settings
from slipway.errors import NotAllowed, SettingsError

if TYPE_CHECKING:
    from slipway.adapters.keycloak.provider import Keycloak
    from slipway.db import Database
    from slipway.domain.quota.plans import Plans
    from slipway.settings import Settings


def host_settings() -> Settings:
    """The settings of the platform on this host, `.env` included."""
    from slipway.host import checkout

    environment = slipway_settings.environment(checkout.ENV_FILE, checkout.default_state_dir())
    return slipway_settings.load(environment)


def address_here() -> str:
    """The address of the platform on this host; empty when there is none, or its settings can't be read."""
    try:
        found = host_settings()
        return found.public_url.rstrip("/") if found.key_dir.is_dir() else ""
    except (SettingsError, OSError):
        return ""


def is_this_machine(host: str) -> bool:
    """Whether a name leads nowhere but to the machine that it is used on."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def issue_token(tenant: str, name: str, role: str, expires_in_s: float | None) -> dict[str, Any]:
    """A token made in the database, without the API: whoever can write there owns the host.

    Raises:
        NotAllowed: this is not the host, or its user may not.
    """
    from slipway.core.access.roles import Role
    from slipway.db import Database
    from slipway.domain.tokens import create_tenant_if_missing, has_tenant
    from slipway.domain.tokens import issue_token as issue

    settings = host_settings()
    if settings.database_url.startswith("sqlite") and not (settings.state_dir / "slipway.db").exists():
        raise NotAllowed(
            f"There is no platform in {settings.state_dir}, or you may not look.",
            remedy="run it on Slipway's host as root, after make up; elsewhere leave --tenant out",
        )
    database = Database(settings.database_url, pool=False)
    try:
        with database.write(platform="a token made on the host") as session:
            is_new = not has_tenant(session, tenant)
            row, text = issue(session, create_tenant_if_missing(session, tenant), name, Role(role), expires_in_s)
            made = {"id": row.id, "name": row.name, "role": row.role, "tenant": tenant, "token": text}
            made["new_tenant"] = is_new
    finally:
        database.dispose()
    return made


def may_act_here() -> bool:
    """Whether the platform is on this host, and its user is the one who owns it."""
    try:
        return os.geteuid() == 0 and host_settings().key_dir.is_dir()
    except (SettingsError, OSError):
        return False


def sync_identity(*, dry_run: bool) -> dict[str, Any]:
    """Keycloak's realm set up or repaired without the API, which needs that realm itself.

    Raises:
        Conflict: sign-on is off.
        DependencyUnavailable: the database or Keycloak does not answer.
    """
    from slipway.domain import audit, identity

    with _identity() as (database, provider):
        found = identity.sync(database, provider, audit.HOST, dry_run=dry_run)
    shown = [
        {"where": each.where, "what": each.what, "detail": each.sentence, "repairable": not each.left} for each in found
    ]
    return {"dry_run": dry_run, "differences": shown}


def import_people(batch: list[dict[str, Any]], *, dry_run: bool) -> list[dict[str, Any]]:
    """People brought into Keycloak without the API: a batch of numbered lines, and each one's outcome.

    Raises the same as `sync_identity`.
    """
    from slipway.domain import audit, people

    lines = [(int(each["number"]), each["fields"]) for each in batch]
    with _identity() as (database, provider):
        found = people.import_people(database, provider.people, audit.HOST, lines, dry_run=dry_run)
    return [
        {"number": each.line, "login": each.login, "outcome": str(each.outcome), "detail": each.detail}
        for each in found
    ]


def add_person(tenant: str, login: str, role: str) -> dict[str, Any]:
    """A role for somebody whom Keycloak knows, without the API: a tenant's first person comes in so.

    Raises the same as `sync_identity`, and `InvalidInput` when there is no such tenant or person.
    """
    from sqlalchemy import select

    from slipway.adapters.redis.identity_changes import IdentityChanges
    from slipway.adapters.redis.people_lock import people_lock
    from slipway.adapters.redis.work_queue import connect
    from slipway.core.access.roles import Role
    from slipway.domain import audit
    from slipway.domain.people import TenantPeople
    from slipway.errors import InvalidInput
    from slipway.models import Tenant

    with _identity() as (database, provider), connect(host_settings().redis_url) as redis:
        with database.read(platform="a tenant named on the host") as session:
            tenant_id = session.scalar(select(Tenant.id).filter_by(name=tenant))
        if tenant_id is None:
            remedy = f"make it: slipway tokens create --tenant {tenant[:40]} --name NAME"
            raise InvalidInput(f"there is no tenant {tenant[:40]!r}", remedy=remedy)
        people = TenantPeople(database, provider.people, IdentityChanges(redis), tenant_id, audit.HOST)
        with people_lock(redis, tenant_id):
            member = people.add(login, Role(role), finds_anybody=True)
    return {"login": member.person.login, "role": str(member.role), "tenant": tenant}


@contextmanager
def plans() -> Iterator[Plans]:
    """Plans and quotas of tenants, changed in the database."""
    from slipway.adapters.redis import work_queue
    from slipway.adapters.redis.work_queue import WorkQueue
    from slipway.db import Database
    from slipway.domain.audit import HOST
    from slipway.domain.quota.plans import Plans

    settings = host_settings()
    database, redis = Database(settings.database_url, pool=False), work_queue.connect(settings.redis_url)
    try:
        yield Plans(database, HOST, WorkQueue(redis, job_timeout_s=settings.build_timeout_s).wake_agent)
    finally:
        redis.close()
        database.dispose()


@contextmanager
def _identity() -> Iterator[tuple[Database, Keycloak]]:
    """The host's own way to the database and to Keycloak."""
    from slipway.adapters.keycloak import accounts
    from slipway.adapters.keycloak.provider import SETUP_TIMEOUT_S, Keycloak
    from slipway.db import Database
    from slipway.errors import Conflict

    settings = host_settings()
    if settings.keycloak == slipway_settings.OFF:
        raise Conflict("Sign-on is off on this platform.", remedy="set SLIPWAY_KEYCLOAK in .env, then: make up")
    database = Database(settings.database_url, pool=False)
    try:
        yield database, Keycloak(settings, accounts.hosts_account(settings), SETUP_TIMEOUT_S)
    finally:
        database.dispose()
