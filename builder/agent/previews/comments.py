"""What is said of a preview at the forge: one comment on the pull request, which is edited when something changes. A
forge that does not answer delays it, and nothing else."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from slipway.adapters.pull_requests import client
from slipway.adapters.pull_requests.calls import ForgeRefused
from slipway.adapters.pull_requests.client import ForgeAccess, PullRequests
from slipway.core.deployment.states import State
from slipway.core.previews import comment
from slipway.core.previews.comment import Said
from slipway.core.rollout.backoff import delay_s
from slipway.db import Database
from slipway.domain.certificates.host_addresses import addresses_of
from slipway.domain.previews import viewing
from slipway.domain.previews.following import settings_of
from slipway.domain.previews.proof import has_read_repository
from slipway.domain.previews.viewing import PreviewFacts
from slipway.errors import DependencyUnavailable
from slipway.models import App, Preview
from slipway.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 2.0
_WHY = "agent: comments on pull requests"


@dataclass(frozen=True, slots=True)
class _Due:
    """A preview of which something else is to be said, or nothing any more."""

    preview_id: int
    number: int
    repository: str
    key: str
    comment_id: str
    text: str
    is_said: bool
    """Or nothing is to be said."""
    is_over: bool
    """The pull request is closed, and its app is gone."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


class PreviewComments:
    """`look` is called every `EVERY_S`, in one thread."""

    def __init__(
        self,
        db: Database,
        forges: PullRequests,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._forges = forges
        self._settings = settings
        self._clock = clock
        self._failures: dict[int, int] = {}
        """Preview → failures in a row."""
        self._waits_until: dict[int, float] = {}

    def look(self) -> None:
        for due in self._found():
            access = self._forges.access(due.repository)
            if access is None or due.is_said:
                self._settle(due)
            elif self._waits_until.get(due.preview_id, 0.0) <= self._clock():
                self._try(due, access)

    def _found(self) -> list[_Due]:
        with self._db.read(platform=_WHY) as session:
            query = select(Preview, App).join(App, App.id == Preview.parent_id).where(~Preview.settled)
            found = session.execute(query.order_by(Preview.id)).all()
            may_be_due = [each for each in found if not each[0].is_open or self._forges.access(each[1].repository)]
            return [self._due(session, parent, row) for row, parent in may_be_due]

    def _due(self, session: Session, parent: App, row: Preview) -> _Due:
        facts = viewing.facts_of(session, parent, [row], settings_of(session, parent))[row.id]
        text = comment.text(self._said(session, parent, row, facts), row.key)
        is_nothing = not row.comment_id and (not row.is_open or not _may_comment(session, parent, facts.app))
        return _Due(
            preview_id=row.id,
            number=row.number,
            repository=parent.repository,
            key=row.key,
            comment_id=row.comment_id,
            text=text,
            is_said=is_nothing or row.comment_digest == hashlib.sha256(text.encode()).hexdigest(),
            is_over=not row.is_open and row.app_id is None,
        )

    def _said(self, session: Session, parent: App, row: Preview, facts: PreviewFacts) -> Said:
        addresses = addresses_of(session, self._settings, [facts.host]) if facts.host else {}
        failed = facts.latest is not None and State(facts.latest.state) is State.FAILED
        return Said(
            app=parent.name,
            number=row.number,
            head=row.head,
            state=facts.state,
            url=addresses.get(facts.host, ""),
            serving=facts.live.commit_sha if facts.live else "",
            detail=facts.latest.detail if facts.latest and failed else row.detail,
        )

    def _settle(self, due: _Due) -> None:
        """Nothing is to be said at this moment; of what is over, nothing any more."""
        if due.is_over:
            with self._db.write(platform=_WHY) as session:  # it may have been opened again meanwhile
                over = (~Preview.is_open, Preview.app_id.is_(None))
                session.execute(update(Preview).where(Preview.id == due.preview_id, *over).values(settled=True))

    def _try(self, due: _Due, access: ForgeAccess) -> None:
        try:
            comment_id = client.comment(access, due.number, due.comment_id, comment.mark(due.key), due.text)
        except ForgeRefused as refused:
            log.warning("a comment is refused", extra={"preview": due.preview_id, "why": refused.message})
            comment_id = due.comment_id
        except DependencyUnavailable as error:
            self._put_off(due, error.message)
            return
        except Exception as error:
            log.exception("a comment could not be written", extra={"preview": due.preview_id})
            self._put_off(due, str(error))
            return
        self._failures.pop(due.preview_id, None)
        self._write(due, comment_id=comment_id, comment_digest=due.digest)

    def _put_off(self, due: _Due, why: str) -> None:
        failures = self._failures[due.preview_id] = self._failures.get(due.preview_id, 0) + 1
        self._waits_until[due.preview_id] = self._clock() + delay_s(failures)
        if failures == 1:
            log.warning("a comment is written later", extra={"preview": due.preview_id, "why": why})

    def _write(self, due: _Due, **values: object) -> None:
        with self._db.write(platform=_WHY) as session:
            row = update(Preview).where(Preview.id == due.preview_id)
            session.execute(row.values(**values))


def _may_comment(session: Session, parent: App, app: App | None) -> bool:
    """Has an image of the repository been built, for the app or for the preview while it has the same one?"""
    of_same = [app] if app is not None and app.repository_identity == parent.repository_identity else []
    return any(has_read_repository(session, each) for each in (parent, *of_same))
