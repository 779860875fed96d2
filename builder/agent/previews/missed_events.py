"""Events of pull requests that did not come: what the forge has open is compared with the rows by the clock."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.adapters.pull_requests import client
from slipway.adapters.pull_requests.calls import ForgeRefused
from slipway.adapters.pull_requests.client import ForgeAccess, PullRequests
from slipway.core.push.pull_request import PullRequest
from slipway.db import Database
from slipway.domain.previews import following
from slipway.domain.previews.proof import has_read_repository
from slipway.errors import DependencyUnavailable, InvalidInput
from slipway.models import TO_CHANGE, App, Preview

log = logging.getLogger(__name__)

_WHY = "agent: compare pull requests"


@dataclass(frozen=True, slots=True)
class _Repository:
    """With the apps that have, or may get, previews of it."""

    url: str
    apps: tuple[int, ...]
    numbers: frozenset[int]
    """Pull requests that are open by the rows."""


class MissedEvents:
    """`look` is called every few minutes, in one thread."""

    def __init__(self, db: Database, forges: PullRequests) -> None:
        self._db = db
        self._forges = forges

    def look(self) -> None:
        """Whatever is wrong with one repository, the others are compared."""
        for repository in self._repositories():
            access = self._forges.access(repository.url)
            if access is None:
                continue
            try:
                self._compare(repository, access)
            except (DependencyUnavailable, ForgeRefused) as error:
                log.info("pull requests are not compared", extra={"repository": access.path, "why": error.message})

    def _repositories(self) -> list[_Repository]:
        with self._db.read(platform=_WHY) as session:
            query = select(App).where(App.source == "git", App.deleted_at.is_(None), ~App.is_preview)
            apps = session.scalars(query.where(App.repository != "").order_by(App.id))
            return _by_repository(session, [app for app in apps if _has_previews(session, app)])

    def _compare(self, repository: _Repository, access: ForgeAccess) -> None:
        """One that is open here, and not in the list, is asked for: the list may be incomplete."""
        listed = client.open_pulls(access)
        self._follow(repository, listed)
        for number in sorted(repository.numbers - {each.number for each in listed}):
            try:
                found = client.pull_numbered(access, number)
            except InvalidInput as error:
                log.info("a pull request is not understood", extra={"repository": access.path, "why": error.message})
                continue
            if found is None:
                self._close(repository, number)
            else:
                self._follow(repository, [found])

    def _follow(self, repository: _Repository, pulls: Sequence[PullRequest]) -> None:
        for pull in pulls:
            for app_id in repository.apps:
                with self._db.write(platform=_WHY) as session:
                    app = session.get(App, app_id, with_for_update=TO_CHANGE)
                    if app is not None and app.deleted_at is None:
                        following.follow(session, app, pull)

    def _close(self, repository: _Repository, number: int) -> None:
        with self._db.write(platform=_WHY) as session:
            query = select(Preview).where(Preview.parent_id.in_(repository.apps), Preview.number == number)
            for row in session.scalars(query.with_for_update(**TO_CHANGE)):
                row.is_open, row.settled = False, False


def _has_previews(session: Session, app: App) -> bool:
    if not has_read_repository(session, app):
        return False
    is_open = session.scalar(select(Preview.id).filter_by(parent_id=app.id, is_open=True).limit(1))
    return is_open is not None or following.settings_of(session, app).enabled


def _by_repository(session: Session, apps: Sequence[App]) -> list[_Repository]:
    found: dict[str, _Repository] = defaultdict(lambda: _Repository("", (), frozenset()))
    for app in apps:
        numbers = session.scalars(select(Preview.number).filter_by(parent_id=app.id, is_open=True))
        known = found[app.repository]
        found[app.repository] = replace(
            known, url=app.repository, apps=(*known.apps, app.id), numbers=known.numbers | set(numbers)
        )
    return list(found.values())
