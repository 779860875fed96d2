"""Brings previews to what their pull requests are: apps are made, deployed and removed. A pass may be repeated at any
moment: what is wanted and what was made stand in the rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

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
            query = select(Preview, App).join(App, App.id == Preview.parent_id).where(~Preview.settled)
            found = session.execute(query.order_by(Preview.id)).all()
            return [_Place(parent.id, row.id) for row, parent in found if self._is_due(session, parent, row)]

    def _is_due(self, session: Session, parent: App, row: Preview) -> bool:
        step = _step(session, parent, row)
        if step in (Step.AWAIT_APPROVAL, Step.AWAIT_ROOM):
            return row.detail != _why_not(step, settings_of(session, parent))
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
            step = _step(session, parent, row)
            if step is Step.REMOVE:
                removed = row.app_id
                _remove(session, parent, row)
            elif step is Step.DEPLOY:
                made = self._deployed(session, parent, row)
            else:
                row.detail = _why_not(step, settings_of(session, parent))
        if removed is not None:
            self._queue.wake_agent(removed)
        intents.enqueue(self._queue, made)

    def _deployed(self, session: Session, parent: App, row: Preview) -> list[Deployment]:
        """None where something stands against it, which is written down and tried again."""
        app = viewing.app_of(session, row)
        self._tried_again_at.pop(row.id, None)
        try:
            with session.begin_nested():
                made = self._making.deploy(session, parent, row, settings_of(session, parent), app)
        except DependencyUnavailable:
            raise
        except SlipwayError as error:
            session.refresh(row)
            row.detail = error.message
            self._tried_again_at[row.id] = self._clock() + AGAIN_S
            return []
        log.info("a preview is deployed", extra={"app_id": made.app_id, "pull_request": row.number})
        return [made]


def _step(session: Session, parent: App, row: Preview) -> Step:
    chosen = settings_of(session, parent)
    view = viewing.view_of(parent, row, chosen, viewing.app_of(session, row))
    return decide(view, viewing.room(session, parent, chosen))


def _remove(session: Session, parent: App, row: Preview) -> None:
    """Once its app makes previews again, one is made of the same head."""
    enabled = settings_of(session, parent).enabled
    ending.remove(session, row, PULL_REQUEST)
    if not enabled:
        row.made_sha = ""


def _why_not(step: Step, chosen: PreviewTable) -> str:
    if step is Step.AWAIT_ROOM:
        return f"there are {chosen.limit} previews already, as many as previews.limit allows"
    return ""
