"""Deployments whose state was not reported yet, as rows and as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from slipway.core.deployment.states import ENDED, UNFINISHED, Kind, State
from slipway.core.github.app_events import InstallationState
from slipway.models import App, Deployment, GitHubInstallation, GitHubReport, Tenant


@dataclass(frozen=True, slots=True)
class Unreported:
    """A deployment, as far as reports need it."""

    state: State
    id: int
    app_id: int
    tenant_id: int
    kind: Kind
    source: str
    commit_sha: str
    detail: str
    started_at: datetime | None
    """When a worker began; None of one that no worker was at."""
    live_at: datetime | None
    ended_at: datetime | None
    repository: str
    app: str
    tenant: str
    reported_state: str | None
    """The end that was reported before; None: none was."""

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def has_log(self) -> bool:
        """Is there a log that nobody will write to any more?"""
        return self.has_ended and self.started_at is not None

    @property
    def is_of_commit(self) -> bool:
        return self.source == "git" and bool(self.commit_sha) and bool(self.repository)

    @property
    def is_news(self) -> bool:
        """Does GitHub's list of deployments get it? It was not over before it began; a configuration change brings no
        other commit, so that it is one only once it serves."""
        is_on_its_way = not self.has_ended or self.started_at is not None or self.live_at is not None
        is_one = self.kind is not Kind.CONFIGURATION or self.state is State.LIVE
        return self.is_of_commit and is_one and is_on_its_way

    @property
    def concerns_commit(self) -> bool:
        """Does its state say something of the commit? That of a rollback or a configuration change only does when it
        was live and failed."""
        gave_way = self.state is State.FAILED and self.live_at is not None
        return self.is_of_commit and (self.started_at is not None or gave_way)

    @property
    def is_back(self) -> bool:
        """Does it serve again, since the one after it gave way?"""
        return self.state is State.LIVE and self.reported_state is not None

    def was_over_by(self, moment: datetime) -> bool:
        """Did it end, or go live, before that moment?"""
        at = self.ended_at or self.live_at
        return at is not None and at < moment


def unreported(session: Session, *, with_statuses: bool) -> list[Unreported]:
    """In the order of what is reported: an end, else the moment of going live, else the worker's start.

    Args:
        with_statuses: also what is on its way, of every tenant; else of those that have connected an installation.
    """
    unmarked = Deployment.reported_state.is_(None) & _is_in(ENDED)
    failed_later = Deployment.reported_state.in_([str(State.LIVE), str(State.RETIRED)]) & _is_in([State.FAILED])
    with_worker = _is_in(UNFINISHED - {State.QUEUED}) & Deployment.started_at.is_not(None)
    of_github = _is_in(UNFINISHED) & _HAS_INSTALLATION
    wanted = [unmarked, failed_later, _RETIRED_LATER, _IS_BACK, of_github, *([with_worker] if with_statuses else [])]
    query = _COLUMNS.where(or_(*wanted)).order_by(func.coalesce(*_MOMENTS), Deployment.id)
    return [_value(*row) for row in session.execute(query)]


def _value(state: str, number: int, app_id: int, tenant_id: int, kind: str, *others: Any) -> Unreported:
    return Unreported(State(state), number, app_id, tenant_id, Kind(kind), *others)


def _is_in(states: Iterable[State]) -> ColumnElement[bool]:
    return Deployment.state.in_([str(state) for state in states])


_MOMENTS = (Deployment.ended_at, Deployment.live_at, Deployment.started_at, Deployment.created_at)

_COLUMNS = (
    select(
        Deployment.state,
        Deployment.id,
        Deployment.app_id,
        Deployment.tenant_id,
        Deployment.kind,
        Deployment.source,
        Deployment.commit_sha,
        Deployment.detail,
        Deployment.started_at,
        Deployment.live_at,
        Deployment.ended_at,
        App.repository,
        App.name,
        Tenant.name,
        Deployment.reported_state,
    )
    .join(App, App.id == Deployment.app_id)
    .join(Tenant, Tenant.id == Deployment.tenant_id)
)
"""In the order of `Unreported`'s fields."""
_AT_GITHUB = select(GitHubReport.deployment_id)
_RETIRED_LATER = (
    Deployment.id.in_(_AT_GITHUB.where(GitHubReport.serves))
    & (Deployment.state == str(State.RETIRED))
    & (Deployment.reported_state != Deployment.state)
)
_IS_BACK = (
    (Deployment.reported_state == str(State.RETIRED))
    & (Deployment.state == str(State.LIVE))
    & Deployment.id.in_(_AT_GITHUB)
)
"""Both find their few rows by an index: this is asked twice a second."""
_HAS_INSTALLATION = exists().where(
    GitHubInstallation.tenant_id == Deployment.tenant_id, GitHubInstallation.state == str(InstallationState.ACTIVE)
)
