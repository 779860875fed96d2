"""Pull requests are written down as the forge says that they are: the agent makes and removes their previews."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.previews import settings as preview_settings
from slipway.core.previews.following import RecordedPull, is_news, is_reopened, is_wanted, renews
from slipway.core.previews.settings import PreviewTable
from slipway.core.push.pull_request import PullRequest
from slipway.domain import file_settings
from slipway.models import App, Preview, now

MOST_KNOWN = 300
"""Pull requests of an app, closed ones too."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of an event, for one app."""

    concerns_preview: bool
    reason: str


def settings_of(session: Session, app: App) -> PreviewTable:
    """What the app says of previews: its settings, with the file of its live commit over them. What a pull request
    changes in the file counts when it is merged and live."""
    files = file_settings.of_releases(session, [app.id], {})
    return preview_settings.chosen(app.settings, files.get((app.id, PRODUCTION), {}))


def follow(session: Session, app: App, pull: PullRequest) -> Followed:
    """Write down what the pull request is at this moment. The caller has locked the app's row."""
    row = session.scalar(select(Preview).filter_by(parent_id=app.id, number=pull.number))
    chosen = settings_of(session, app)
    if row is None:
        return _begin(session, app, pull, chosen)
    known = RecordedPull(row.head, row.is_open, row.event_at)
    if not is_news(known, pull):
        return Followed(False, f"{app.name}: of #{pull.number} something newer is known")
    _update(row, known, pull, chosen, is_open=is_wanted(pull, app.branch))
    return Followed(True, _said(app, row))


def _begin(session: Session, app: App, pull: PullRequest, chosen: PreviewTable) -> Followed:
    """A closed one is written down too: what says that it was opened may come later."""
    if not chosen.enabled:
        return Followed(
            False, f"{app.name} makes no previews; if it shall: slipway apps set -a {app.name} previews=true"
        )
    if pull.base != app.branch:
        return Followed(False, f"{app.name} deploys {app.branch}, #{pull.number} is into {pull.base}")
    if not _has_place(session, app):
        return Followed(False, f"{app.name} has {MOST_KNOWN} open pull requests already")
    row = Preview(
        tenant_id=app.tenant_id, parent_id=app.id, number=pull.number, key=secrets.token_hex(16), is_open=pull.is_open
    )
    _write(row, pull)
    row.expires_at = now() + timedelta(days=chosen.expire_after_days)
    session.add(row)
    return Followed(True, _said(app, row))


def _has_place(session: Session, app: App) -> bool:
    """The oldest that is over makes place."""
    of_app = select(Preview).filter_by(parent_id=app.id).order_by(Preview.id)
    known = session.scalar(select(func.count()).select_from(of_app.order_by(None).subquery())) or 0
    if known < MOST_KNOWN:
        return True
    over = session.scalar(of_app.filter_by(settled=True, app_id=None).limit(1))
    if over is not None:
        session.delete(over)
    return over is not None


def _update(row: Preview, known: RecordedPull, pull: PullRequest, chosen: PreviewTable, *, is_open: bool) -> None:
    if renews(known, pull, is_open=is_open):
        row.expires_at = now() + timedelta(days=chosen.expire_after_days)
    if is_reopened(known, is_open=is_open):
        row.made_sha = ""
    row.is_open, row.settled = is_open, False
    _write(row, pull)


def _write(row: Preview, pull: PullRequest) -> None:
    row.title, row.author, row.branch = pull.title, pull.author, pull.branch
    row.ref, row.head, row.is_fork = pull.ref, pull.head, pull.is_fork
    row.event_at = pull.changed_at or row.event_at


def _said(app: App, row: Preview) -> str:
    if not row.is_open:
        return f"#{row.number} has no preview of {app.name}: it is closed, or into another branch"
    awaits = row.is_fork and row.approved_sha != row.head
    return f"#{row.number} {'awaits approval of' if awaits else 'gets'} a preview of {app.name} at {row.head[:7]}"
