"""A job's lease on a certificate: it is claimed, kept by a heartbeat, and every write checks it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from slipway.core.certificates.states import State
from slipway.db import Database
from slipway.domain.certificates import rows as certificates
from slipway.errors import DependencyUnavailable
from slipway.models import TO_CHANGE, Certificate, now

log = logging.getLogger(__name__)
_WHY = "certificates: work on one"


class LeaseLost(Exception):
    """The certificate is wanted no longer, or another job has claimed it."""


@dataclass(frozen=True, slots=True)
class Work:
    """The certificate, as it was when the job claimed it."""

    id: int
    tenant_id: int | None
    app_id: int | None
    source: str
    names: tuple[str, ...]
    names_key: str
    challenge: str
    state: State
    authority: str
    serial: str
    folder: str
    not_before: datetime | None
    not_after: datetime | None
    renew_at: datetime | None
    ask_window_at: datetime | None
    attempts: int


@dataclass(slots=True)
class Lease:
    db: Database
    number: int
    work: Work
    heartbeat_s: float
    lapse_s: float
    _lost: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def write(self) -> Iterator[tuple[Session, Certificate]]:
        """A transaction on the row.

        Raises:
            LeaseLost: nothing may be written any more.
        """
        with self.db.write(platform=_WHY) as session:
            row = session.get(Certificate, self.work.id, with_for_update=TO_CHANGE)
            if row is None or row.lease != self.number:
                self._lost = True
                raise LeaseLost
            yield session, row

    @contextmanager
    def beating(self) -> Iterator[None]:
        """The heartbeat beats in a thread of its own. Afterwards the certificate is free for the next job."""
        thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def lost(self) -> bool:
        """Shall the work stop?"""
        return self._lost

    def _beat(self) -> None:
        written_at = time.monotonic()
        while not self._ended.wait(self.heartbeat_s) and not self._lost:
            began = time.monotonic()
            try:
                with self.write() as (_, row):
                    row.heartbeat_at = now()
                written_at = began
            except LeaseLost:
                return
            except DependencyUnavailable as error:
                log.warning("no heartbeat: the database does not answer", extra={"why": error.message})
            self._lost = self._lost or time.monotonic() - written_at >= self.lapse_s


def claim(db: Database, certificate_id: int, number: int, *, heartbeat_s: float, lapse_s: float) -> Lease | None:
    """None: there is nothing to do, or another job does it."""
    with db.write(platform=_WHY) as session:
        row = certificates.claim(session, certificate_id, number, timedelta(seconds=lapse_s))
        return None if row is None else Lease(db, row.lease, _work_of(row), heartbeat_s, lapse_s)


def _work_of(row: Certificate) -> Work:
    return Work(
        id=row.id,
        tenant_id=row.tenant_id,
        app_id=row.app_id,
        source=row.source,
        names=tuple(row.names),
        names_key=row.names_key,
        challenge=row.challenge,
        state=State(row.state),
        authority=row.authority,
        serial=row.serial,
        folder=row.folder,
        not_before=row.not_before,
        not_after=row.not_after,
        renew_at=row.renew_at,
        ask_window_at=row.ask_window_at,
        attempts=row.attempts,
    )
