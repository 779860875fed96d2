"""Brings previews to what their pull requests are: apps are made, deployed and removed. A pass may be repeated at any
moment: what is wanted and what was made stand in the rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from builder.agent.previews.making import PreviewMaking
from slipway.core.previews.decide import Step, decide
from slipway.core.previews.settings import PreviewTable
from slipway.db import Database
from slipway.domain import intents
from slipway.domain.audit import PULL_REQUEST
from slipway.domain.previews import ending, viewing
from slipway.domain.previews.following import settings_of
from slipway.errors import DependencyUnavailable, SlipwayError
from slipway.models import TO_CHANGE, App, Deployment, Preview
from slipway.ports.queue import DeploymentQueue

log = logging.getLogger(__name__)

EVERY_S = 2.0
AGAIN_S = 20.0
"""After a quota, or another obstacle, stood against one."""
_WHY = "agent: previews of pull requests"

_OWN = aliased(App)
_UNSETTLED = (
    select(Preview, App, _OWN)
    .join(App, App.id == Preview.parent_id)
    .outerjoin(_OWN, and_(_OWN.id == Preview.app_id, _OWN.deleted_at.is_(None)))
    .where(~Preview.settled)
    .order_by(Preview.id)
)


@dataclass(frozen=True, slots=True)
class _Place:
    parent_id: int
    preview_id: int


class PreviewReconciler:
    """`look` is called every `EVERY_S`, in one thread."""

    def __init__(
        self,
        db: Database,
        queue: DeploymentQueue,
        making: PreviewMaking,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._queue = queue
        self._making = making
        self._clock = clock
        self._tried_again_at: dict[int, float] = {}
        """Preview → when what stood against it is looked at again."""

    def look(self) -> None:
        """Do for each preview what is to be done now. Whatever is wrong with one, the others get theirs."""
        for place in self._due():
            try:
                self._settle(place)
            except DependencyUnavailable:
                raise
            except Exception:
                log.exception("a preview is not brought forward", extra={"preview": place.preview_id})

    def _due(self) -> list[_Place]:
        """Those of which something is to be done, in the order of their pull requests: that is also who waits first."""
        with self._db.read(platform=_WHY) as session:
            found = session.execute(_UNSETTLED).all()
            chosen = {parent.id: settings_of(session, parent) for _, parent, _ in found}
            return [
                _Place(parent.id, row.id)
                for row, parent, app in found
                if self._is_due(session, parent, row, chosen[parent.id], app)
            ]

    def _is_due(self, session: Session, parent: App, row: Preview, chosen: PreviewTable, app: App | None) -> bool:
        step = _step(session, parent, row, chosen, app)
        if step in (Step.AWAIT_APPROVAL, Step.AWAIT_ROOM):
            return row.detail != _why_not(step, chosen)
        is_paused = step is Step.DEPLOY and self._tried_again_at.get(row.id, 0.0) > self._clock()
        return step is not Step.NOTHING and not is_paused

    def _settle(self, place: _Place) -> None:
        made: list[Deployment] = []
        removed: int | None = None
        with self._db.write(platform=_WHY) as session:
            parent = session.get(App, place.parent_id, with_for_update=TO_CHANGE)
            row = session.get(Preview, place.preview_id)
            if parent is None or row is None:
                return
            chosen, app = settings_of(session, parent), viewing.app_of(session, row)
            step = _step(session, parent, row, chosen, app)
            if step is Step.REMOVE:
                removed = row.app_id
                _remove(session, row, chosen)
            elif step is Step.DEPLOY:
                made = self._deployed(session, parent, row, chosen, app)
            else:
                row.detail = _why_not(step, chosen)
        if removed is not None:
            self._queue.wake_agent(removed)
        intents.enqueue(self._queue, made)

    def _deployed(
        self, session: Session, parent: App, row: Preview, chosen: PreviewTable, app: App | None
    ) -> list[Deployment]:
        """None where something stands against it, which is written down and tried again."""
        self._tried_again_at.pop(row.id, None)
        try:
            with session.begin_nested():
                made = self._making.deploy(session, parent, row, chosen, app)
        except DependencyUnavailable:
            raise
        except SlipwayError as error:
            session.refresh(row)
            row.detail = error.message
            self._tried_again_at[row.id] = self._clock() + AGAIN_S
            return []
        log.info("a preview is deployed", extra={"app_id": made.app_id, "pull_request": row.number})
        return [made]


def _step(session: Session, parent: App, row: Preview, chosen: PreviewTable, app: App | None) -> Step:
    """How much room there is only matters to one that has no app yet."""
    room = viewing.room(session, parent, chosen) if app is None else 0
    return decide(viewing.view_of(parent, row, chosen, app), room)


def _remove(session: Session, row: Preview, chosen: PreviewTable) -> None:
    """Once its app makes previews again, one is made of the same head."""
    ending.remove(session, row, PULL_REQUEST)
    if not chosen.enabled:
        row.made_sha = ""


def _why_not(step: Step, chosen: PreviewTable) -> str:
    if step is Step.AWAIT_ROOM:
        return f"there are {chosen.limit} previews already, as many as previews.limit allows"
    return ""
