"""Missed pushes: branch heads are compared with the last commit that was decided about, for pushes whose delivery did
not come, or came to nothing because others came in between.

Of an app that was never deployed the head is only remembered: its first push or `slipway deploy` begins. A head that is
new has to be seen twice, some seconds apart, because its delivery may be on the way.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.deployment.ordering import BRANCH_GONE
from slipway.core.deployment.states import BY_HAND, Kind, State
from slipway.core.push.missed_pushes import NOT_COMPARED, Decided, is_missed
from slipway.core.push.push_event import BRANCHES
from slipway.db import Database
from slipway.domain import audit, intents
from slipway.domain.audit import Action
from slipway.errors import DependencyUnavailable, NotFound, SlipwayError
from slipway.models import TO_CHANGE, App, Deployment, cancelled_unbegun, now
from slipway.ports.building import Repository, SourceFetcher
from slipway.ports.queue import DeploymentQueue

log = logging.getLogger(__name__)

_WHY = "agent: compare branch heads"
SECOND_CHECK_S = 15.0
AT_ONCE = 4


class Polling:
    """Compares heads. `due` apps are asked for a few at a time, so that a slow host delays no other."""

    def __init__(
        self, db: Database, queue: DeploymentQueue, sources: SourceFetcher, vault: Vault, *, every_s: float
    ) -> None:
        self._db = db
        self._queue = queue
        self._sources = sources
        self._vault = vault
        self._every_s = every_s
        self._seen: dict[int, str] = {}  # app → a new head that was seen once

    def run(self, stopped: threading.Event) -> None:
        """Check every app now, then each again every `every_s`, until `stopped`."""
        self.forget_times()
        pause_s = min(self._every_s, SECOND_CHECK_S)
        while True:
            try:
                self.check()
            except DependencyUnavailable as error:
                log.warning("heads are not compared", extra={"why": error.message})
            if stopped.wait(pause_s):
                return

    def forget_times(self) -> None:
        """The agent starts: what was pushed while it did not run is found now."""
        with self._db.write(platform=_WHY) as session:
            for app in session.scalars(select(App).where(App.polled_at.is_not(None))):
                app.polled_at = None

    def check(self) -> int:
        """Compare the heads of those apps that are due, and say how many deployments that made."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="poll") as pool:
            return sum(pool.map(self._check_safely, self._due()))

    def _due(self) -> list[App]:
        before = now() - timedelta(seconds=self._every_s)
        query = select(App).where(App.repository != "", App.source == "git", App.deleted_at.is_(None), ~App.is_preview)
        again = or_(App.polled_at.is_(None), App.polled_at < before, App.id.in_(list(self._seen)))
        with self._db.read(platform=_WHY) as session:
            return list(session.scalars(query.where(again).order_by(App.polled_at)))

    def _check_safely(self, app: App) -> int:
        """Whatever is wrong with one app, the others are checked."""
        try:
            return self._check_head(app)
        except DependencyUnavailable:
            raise
        except Exception:
            log.exception("a head is not compared", extra={"app_id": app.id})
            return 0

    def _check_head(self, app: App) -> int:
        try:
            head = self._head(app)
        except SlipwayError as error:
            log.info("no head", extra={"app_id": app.id, "why": error.message})
            head = None
        with self._db.write(platform=_WHY) as session:
            row = session.get(App, app.id, with_for_update=TO_CHANGE)
            if row is None or row.deleted_at is not None:
                return 0
            row.polled_at = now()
            if (row.repository, row.branch) != (app.repository, app.branch):
                return 0
            made = [_push(session, row, head)] if head and self._compare(session, row, head) else []
        for deployment in made:
            log.info("a push was missed", extra={"app_id": app.id, "deployment": deployment.id})
        intents.enqueue(self._queue, made)
        return len(made)

    def head_of(self, app_id: int) -> str | None:
        """The commit that the app's branch is at now; None when there is no such branch.

        Raises:
            NotFound: the app is not built from a repository, or is gone.
            DeploymentFailed: the repository can't be read.
        """
        with self._db.read(platform=_WHY) as session:
            app = session.get(App, app_id)
        if app is None or app.source != "git" or app.deleted_at is not None:
            raise NotFound(f"app {app_id} has no branch", remedy="see the app: slipway apps show")
        return self._head(app)

    def _head(self, app: App) -> str | None:
        secret = app.credential and self._vault.open(app.credential, app.tenant_id, app.id, "credential")
        return self._sources.resolve(
            Repository(app.repository, secret, tenant_id=app.tenant_id), f"refs/heads/{app.branch}"
        )

    def _compare(self, session: Session, row: App, head: str) -> bool:
        """Was the head's push missed? Remembers the head."""
        was_deployed = session.scalar(select(Deployment.id).filter_by(app_id=row.id).limit(1)) is not None
        if not was_deployed or not is_missed(head, _decided(session, row), row.head):
            self._seen.pop(row.id, None)
            row.head = head
            return False
        if self._seen.get(row.id) != head:
            self._seen[row.id] = head
            return False
        self._seen.pop(row.id)
        row.head = head
        return True


def _decided(session: Session, app: App) -> Decided | None:
    """From the newest deployment that shows which commit the branch was at, and was not superseded, if there is one."""
    given_up = or_(Deployment.state == str(State.SUPERSEDED), Deployment.reason == BRANCH_GONE)
    query = select(Deployment.commit_sha, Deployment.state, Deployment.sequence, given_up.label("given_up"))
    of_app = query.where(Deployment.app_id == app.id, Deployment.environment == PRODUCTION)
    of_branch = of_app.where(Deployment.sequence >= app.branch_sequence, _reports_head(BRANCHES + app.branch))
    frozen = of_branch.where(~cancelled_unbegun())
    newest = session.execute(frozen.order_by(given_up, Deployment.sequence.desc()).limit(1)).first()
    kept = newest if newest is not None and not newest.given_up else None
    later = of_branch.where(cancelled_unbegun(), Deployment.sequence > (kept.sequence if kept else 0))
    or_else = frozenset(row.commit_sha for row in session.execute(later))
    if newest is None and not or_else:
        return None
    return Decided(kept.commit_sha, kept.state not in NOT_COMPARED, or_else) if kept else Decided(None, or_else=or_else)


def _reports_head(ref: str) -> ColumnElement[bool]:
    """A push, whatever became of it; or the branch deployed by hand, if that came to something. To go live and give way
    is something: the head was tried."""
    pushed = and_(Deployment.kind == str(Kind.PUSH), Deployment.ref == ref)
    came_to_nothing = [str(state) for state in (State.FAILED, State.CANCELLED, State.SUPERSEDED)]
    by_hand = and_(
        Deployment.kind.in_([str(kind) for kind in BY_HAND]),
        Deployment.ref.in_([ref, ref.removeprefix(BRANCHES)]),
        or_(Deployment.state.not_in(came_to_nothing), Deployment.live_at.is_not(None)),
    )
    return or_(pushed, by_hand)


def _push(session: Session, row: App, head: str) -> Deployment:
    actor = audit.MISSED_PUSH
    pushed = intents.Pushed(BRANCHES + row.branch, head)
    key = f"poll:{row.next_sequence}:{head}"
    made = intents.push(session, row, pushed, idempotency_key=key, actor=actor.name)
    detail = {"deployment": made.id, "commit": head}
    audit.record(session, row.tenant_id, actor, Action.DEPLOYMENT_CREATE, row.name, **detail)
    return made
