"""What an app's replicas print, read through the agent: so far, or as it comes."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from router.principal import Principal
from router.services import Services
from router.streams.events import Batch, Ended, Event, Events, Notice, ReplicaLine
from router.streams.line_position import printed_at
from router.streams.replica_feeds import LostLines, Reader
from router.usecases.replicas import followed_replicas, readable_replicas
from slipway.core.text.counting import plural
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import Replica, now

log = logging.getLogger(__name__)
LOOK_S = 2.0
"""How often new replicas are looked for."""
WAIT_S = 0.5
"""How long a quiet stream waits for a line at a time."""
MISSED_MAX = 10_000
"""Lines of one replica that are sent late: those printed before it was joined, or while a client was disconnected."""
MISSED_MAX_CHARS = 1 << 20
ANSWER_MAX_CHARS = 4 << 20
"""What a response as text holds of all replicas together: the newest. Several are held at a time."""
LINE_COST_CHARS = 200
"""What holding a line takes beside its text."""
OVERLAP_S = 5
"""A client that comes back gets the last lines again: replicas' lines don't come in the order of their times."""


def output_so_far(
    services: Services, principal: Principal, app_name: str, *, replica: str | None, tail: int
) -> Iterator[str]:
    """The last `tail` lines of each replica, in the order of their times: `<replica> <time> <text>`."""
    replicas = _replicas(services, principal, app_name, replica)
    lines: list[ReplicaLine] = []
    for each in replicas:
        try:
            with services.agent.output(each, tail=tail) as output:
                lines += _newest(each, output, ANSWER_MAX_CHARS // len(replicas), LINE_COST_CHARS)[1]
        except NotFound:
            if replica is not None:
                raise
    lines.sort(key=lambda line: line.time)
    return (f"{line.replica} {line.text}\n" for line in lines)


def check_readable(services: Services, principal: Principal, app_name: str, replica: str | None) -> None:
    """Before a stream begins: raises `NotFound` or `DependencyUnavailable` when it could not."""
    _replicas(services, principal, app_name, replica)
    services.agent.status()


def follow_output(
    services: Services, principal: Principal, app_name: str, *, replica: str | None, tail: int, after: str = ""
) -> Events:
    """The lines of every replica, of those that start meanwhile from their first line on; a notice where lines are
    missing; the end when the replica that was asked for, or the app, is gone and all of it was sent.

    Args:
        after: the time of the last line that a client which comes back has: it gets all since, instead of `tail` lines.
    """
    next_look, after = 0.0, _before(after)
    following = _Following(services, principal, app_name, replica, after)
    try:
        while True:
            if time.monotonic() >= next_look and not following.gone:
                yield from following.look(MISSED_MAX if after else tail, after)
                next_look = time.monotonic() + LOOK_S
                tail, after = MISSED_MAX, ""  # a replica that appears later is read from its first line on
            events = following.next_events()
            if not events and following.is_over():
                yield [Ended()]
                return
            yield events
    finally:
        services.feeds.leave(following.reader)


class _Following:
    """One client's view of an app's replicas."""

    def __init__(
        self, services: Services, principal: Principal, app_name: str, replica: str | None, after: str
    ) -> None:
        self.reader = Reader()
        self.gone = False
        """No new replica can appear any more."""
        self._services = services
        self._principal = principal
        self._app_name = app_name
        self._replica = replica
        self._since = datetime.fromisoformat(after).replace(tzinfo=UTC) if after else now()
        self._seen: dict[str, str] = {}
        """Replica → time of the last line that was read when it was joined."""
        self._refused: set[str] = set()

    def look(self, tail: int, after: str) -> Iterator[Batch]:
        """Join the replicas that are new. Gives what they printed so far: `tail` lines, only after the time `after`."""
        new = [each for each in self._found() if each not in self._seen]
        joined = [each for each in new if self._join(each)]
        yield self._refusals([each for each in new if each not in joined])
        for each in joined:
            self._services.feeds.wait_until_open(each)
            yield self._so_far(each, tail, after)

    def next_events(self) -> Batch:
        """Empty when nothing came for a moment."""
        events = [self._event(each) for each in self.reader.take(timeout_s=WAIT_S)]
        return [each for each in events if each is not None]

    def is_over(self) -> bool:
        return self.gone and not any(self._services.feeds.is_read(each) for each in self._seen)

    def _event(self, found: ReplicaLine | LostLines) -> Event | None:
        """None: the line was sent already."""
        if isinstance(found, LostLines):
            text = f"{plural(found.lines, 'line')} left out: read more slowly than printed"
            return Notice(found.replica, text)
        return found if found.time > self._seen.get(found.replica, "") else None

    def _found(self) -> list[str]:
        """While the database does not answer, no new replica is found."""
        try:
            with self._services.db.read(tenant_id=self._principal.tenant_id) as session:
                found = followed_replicas(session, self._app_name, self._replica, self._since)
                row = session.get(Replica, self._replica) if self._replica is not None else None
                self.gone = self._replica is not None and (row is None or row.ended_at is not None)
                return found
        except NotFound:
            self.gone = True
        except DependencyUnavailable as error:
            log.warning("new replicas can't be looked for", extra={"app": self._app_name, "why": error.message})
        return []

    def _join(self, replica: str) -> bool:
        tenant_id = self._principal.tenant_id
        if not self._services.feeds.join(self.reader, tenant_id, replica, lambda: self._has_ended(replica)):
            return False
        self._seen[replica] = ""
        return True

    def _so_far(self, replica: str, tail: int, after: str) -> Batch:
        try:
            with self._services.agent.output(replica, tail=max(1, tail)) as output:
                dropped, lines = _newest(replica, output, MISSED_MAX_CHARS)
        except (NotFound, DependencyUnavailable) as error:
            log.debug("a replica's output can't be read", extra={"replica": replica, "why": error.message})
            return []
        if lines:
            self._seen[replica] = lines[-1].time
        shown: list[Event] = [line for line in lines if tail and line.time > after]
        if (dropped or len(lines) >= MISSED_MAX) and lines[0].time > after:
            text = "the lines before these are left out: there are too many of them"
            return [Notice(replica, text), *shown]
        return shown

    def _refusals(self, replicas: list[str]) -> Batch:
        """One for each replica, once."""
        new = [each for each in replicas if each not in self._refused]
        self._refused.update(new)
        text = "not followed: as many replicas are followed as may be; name one with replica="
        return [Notice(each, text) for each in new]

    def _has_ended(self, replica: str) -> bool:
        try:
            with self._services.db.read(tenant_id=self._principal.tenant_id) as session:
                row = session.get(Replica, replica)
                return row is None or row.ended_at is not None
        except DependencyUnavailable:
            return False


def _replicas(services: Services, principal: Principal, app_name: str, replica: str | None) -> list[str]:
    with services.db.read(tenant_id=principal.tenant_id) as session:
        return readable_replicas(session, app_name, replica)


def _newest(replica: str, texts: Iterable[str], max_chars: int, line_cost: int = 0) -> tuple[int, list[ReplicaLine]]:
    """How many of the oldest were dropped, and the others."""
    kept: deque[ReplicaLine] = deque()
    chars = dropped = 0
    for text in texts:
        kept.append(ReplicaLine(replica, text))
        chars += len(text) + line_cost
        while chars > max_chars and len(kept) > 1:
            chars -= len(kept.popleft().text) + line_cost
            dropped += 1
    return dropped, list(kept)


def _before(position: str) -> str:
    """A little before the time that a client came to; empty for what is no time."""
    found = printed_at(position)
    return "" if found is None else (found - timedelta(seconds=OVERLAP_S)).isoformat()
