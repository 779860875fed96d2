"""Which tenant an installation of the App is connected to. Its repositories serve this tenant's apps alone."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from slipway.core.github import addresses
from slipway.core.github.app_events import InstallationChange, InstallationState, moved
from slipway.db import beyond_tenant
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.errors import Conflict
from slipway.models import TO_CHANGE, GitHubInstallation

_LONGEST = 100
_UNUSED = (str(InstallationState.REMOVED),)


def connected_ids(session: Session, tenant_id: int) -> frozenset[int]:
    """The tenant's installations that were not removed at GitHub."""
    query = select(GitHubInstallation.id).where(
        GitHubInstallation.tenant_id == tenant_id, GitHubInstallation.state.not_in(_UNUSED)
    )
    return frozenset(session.scalars(query))


def state_for(session: Session, account: str) -> InstallationState | None:
    """How the tenant's installation for an account is, the newest one; None: it has none."""
    query = select(GitHubInstallation.state).where(func.lower(GitHubInstallation.account) == account.lower())
    found = session.scalars(query.order_by(GitHubInstallation.id.desc()).limit(1)).first()
    return InstallationState(found) if found else None


def account_of(session: Session, api: str, repository_identity: str) -> str:
    """The account whose installation of the tenant may have the repository; empty: none has. Which of its repositories
    an installation has, GitHub knows."""
    found = addresses.repository_at(api, repository_identity)
    is_active = found is not None and state_for(session, found[0]) is InstallationState.ACTIVE
    return found[0] if found and is_active else ""


def connect(
    session: Session,
    tenant_id: int,
    actor: Actor,
    *,
    number: int,
    account: str,
    selection: str,
    login: str,
    state: InstallationState = InstallationState.ACTIVE,
) -> GitHubInstallation:
    """The installation is the tenant's. Whoever calls this has found that `login` administers `account`.

    Raises:
        Conflict: another tenant has connected it.
    """
    with beyond_tenant(session, "whether another tenant has connected an installation"):
        row = session.get(GitHubInstallation, number, with_for_update=TO_CHANGE)
        if row is not None and row.tenant_id != tenant_id:
            raise Conflict(
                f"the installation for {account} is connected to another tenant of this platform",
                remedy="disconnect it there first: slipway github disconnect",
            )
    if row is None:
        row = GitHubInstallation(id=number, tenant_id=tenant_id, state=str(state))
        session.add(row)
    row.account, row.selection, row.connected_by = account[:_LONGEST], selection, login[:_LONGEST]
    row.state = str(moved(InstallationState(row.state), state))
    audit.record(session, tenant_id, actor, Action.GITHUB_CONNECT, row.account, installation=number, login=login)
    return row


def disconnect(session: Session, actor: Actor, row: GitHubInstallation) -> None:
    """Its repositories serve the tenant's apps no more."""
    session.execute(delete(GitHubInstallation).where(GitHubInstallation.id == row.id))
    audit.record(session, row.tenant_id, actor, Action.GITHUB_DISCONNECT, row.account, installation=row.id)


def follow(session: Session, number: int, change: InstallationChange) -> str:
    """What GitHub reports of an installation; in a transaction of its tenant. Returns what became of it."""
    row = session.get(GitHubInstallation, number, with_for_update=TO_CHANGE)
    if row is None:
        return "the installation is connected to no tenant"
    row.account = change.account[:_LONGEST] or row.account
    row.selection = change.selection or row.selection
    if change.state is not None:
        row.state = str(moved(InstallationState(row.state), change.state))
    return f"the installation for {row.account} is {row.state}, with {row.selection} repositories"
