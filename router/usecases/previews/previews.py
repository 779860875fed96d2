"""Previews of an app's pull requests: list them, let a fork's commit run, remove one. The agent does what is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from slipway.core.deployment.states import State
from slipway.core.previews.settings import PreviewTable
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.certificates.host_addresses import addresses_of
from slipway.domain.previews import ending, viewing
from slipway.domain.previews.following import settings_of
from slipway.domain.previews.viewing import PreviewFacts
from slipway.errors import Conflict, NotFound
from slipway.models import App, Preview
from slipway.settings import Settings

LEAST_COMMIT = 7
"""Digits that name the commit of an approval."""


def list_previews(services: Services, principal: Principal, app_name: str) -> documents.Previews:
    """Of the pull requests that are open, the newest first."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        chosen = settings_of(session, app)
        query = select(Preview).filter_by(parent_id=app.id, is_open=True).order_by(Preview.number.desc())
        rows = session.scalars(query).all()
        shown = _shown(session, services.settings, app, rows, chosen)
        return documents.Previews(enabled=chosen.enabled, limit=chosen.limit, previews=shown)


def approve_preview(
    services: Services, principal: Principal, app_name: str, number: int, *, commit: str
) -> documents.Preview:
    """Let the newest commit of a fork's pull request run, without the app's secrets.

    Raises:
        NotFound: the app knows no open pull request of that number.
        Conflict: its newest commit is another one: whoever approves has seen what runs.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        row = _numbered(session, app, number)
        if len(commit) < LEAST_COMMIT or not row.head.startswith(commit.lower()):
            raise Conflict(
                f"The newest commit of #{number} is {row.head[:12]}; nothing was approved.",
                remedy=f"look at it, then: slipway previews approve -a {app.name} {number} {row.head[:LEAST_COMMIT]}",
            )
        if row.is_fork and row.approved_sha != row.head:
            row.approved_sha, row.approved_by = row.head, principal.actor.name[:255]
            detail = {"pull_request": number, "commit": row.head}
            audit.record(session, app.tenant_id, principal.actor, Action.PREVIEW_APPROVE, app.name, **detail)
        session.flush()
        return _shown(session, services.settings, app, [row], settings_of(session, app))[0]


def remove_preview(services: Services, principal: Principal, app_name: str, number: int) -> documents.Preview:
    """Remove a preview with its data. The next push to its pull request makes it anew.

    Raises:
        NotFound: the app knows no open pull request of that number.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name, to_change=True)
        row = _numbered(session, app, number)
        removed = row.app_id
        audit.record(session, app.tenant_id, principal.actor, Action.PREVIEW_REMOVE, app.name, pull_request=number)
        ending.remove(session, row, principal.actor)
        session.flush()
        [shown] = _shown(session, services.settings, app, [row], settings_of(session, app))
    if removed is not None:
        services.queue.wake_agent(removed)
    return shown


def _shown(
    session: Session, settings: Settings, parent: App, rows: Sequence[Preview], chosen: PreviewTable
) -> list[documents.Preview]:
    facts = viewing.facts_of(session, parent, rows, chosen)
    addresses = addresses_of(session, settings, [each.host for each in facts.values() if each.host])
    return [_document(row, facts[row.id], addresses.get(facts[row.id].host)) for row in rows]


def _document(row: Preview, facts: PreviewFacts, url: str | None) -> documents.Preview:
    failed = facts.latest is not None and facts.latest.state == State.FAILED
    return documents.Preview(
        number=row.number,
        title=row.title,
        author=row.author,
        branch=row.branch,
        head=row.head,
        fork=row.is_fork,
        state=str(facts.state),
        detail=facts.latest.detail if facts.latest and failed else row.detail,
        app=facts.app.name if facts.app else None,
        url=url,
        deployment=facts.latest.id if facts.latest else None,
        approved_by=row.approved_by if row.approved_sha == row.head else "",
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


def _numbered(session: Session, app: App, number: int) -> Preview:
    row = session.scalar(select(Preview).filter_by(parent_id=app.id, number=number, is_open=True))
    if row is None:
        raise NotFound(
            f"{app.name} knows no open pull request #{number}.", remedy=f"see them: slipway previews -a {app.name}"
        )
    return row
