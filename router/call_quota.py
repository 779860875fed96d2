"""Long calls are bounded, for all tenants together and for each: every one of them holds a thread of the server."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Response

from router.principal import Principal
from slipway.core.access.stream_quota import (
    TERMINALS_AT_ONCE,
    TERMINALS_OF_A_TENANT,
    Bound,
    StreamQuota,
    reached_bound,
)
from slipway.core.text.counting import plural
from slipway.errors import Overloaded, TooManyCalls

HEADS_AT_ONCE = 4
HEADS_OF_A_TENANT = 2
VERIFICATIONS_AT_ONCE = 4
VERIFICATIONS_OF_A_TENANT = 2
DOWNLOADS_AT_ONCE = 3
PROOFS_AT_ONCE = 4
PROOFS_OF_A_TENANT = 2
LEFT_FOR_OTHER_CALLS = 2
"""Threads that responses with text leave free."""
TEXT_LIFETIME_S = 120.0
"""A client that reads so slowly that its response takes longer is disconnected."""
FILE_LIFETIME_S = 3600.0
_TEXT = "text/plain; charset=utf-8"
_RETRY_AFTER_S = 5
_WRITTEN_CHARS = 1 << 16
"""A text is sent in pieces of this size."""


@dataclass(slots=True)
class CallQuota:
    """Counts the calls of one kind in this process, which is the host's only one that serves the API."""

    total: int
    per_tenant: int
    what: str
    """What is counted, as a person calls it: `log`."""
    verb: str = "reads"
    participle: str = "read"
    """What is done with it."""
    guaranteed: int = 0
    """Some places are left for tenants that have fewer than this; 0: none are."""
    _by_tenant: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def place(self, who: Principal) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            TooManyCalls: the tenant has as many under way as it may.
            Overloaded: the host has.
        """
        self.enter(who)
        try:
            yield
        finally:
            self.leave(who)

    def text(self, who: Principal, lines: Callable[[], Iterator[str]], *, media_type: str = _TEXT) -> Response:
        """A response with lines. It holds a place from before they are gathered until they are sent. Raises as `place`
        does."""
        return self._holding(who, lambda: Response(_written(lines()), content_type=media_type))

    def file(self, who: Principal, content: Callable[[], tuple[str, Iterator[bytes]]], *, media_type: str) -> Response:
        """The same, with a file: its name, and what is in it."""

        def made() -> Response:
            name, pieces = content()
            response = Response(_until(pieces, time.monotonic() + FILE_LIFETIME_S), content_type=media_type)
            response.headers.set("Content-Disposition", "attachment", filename=name)
            return response

        return self._holding(who, made)

    def _holding(self, who: Principal, make: Callable[[], Response]) -> Response:
        self.enter(who)
        try:
            response = make()
        except BaseException:
            self.leave(who)
            raise
        response.call_on_close(lambda: self.leave(who))
        return response

    def enter(self, who: Principal) -> None:
        """Take a place, which `leave` gives back. Raises as `place` does."""
        quota = StreamQuota(self.total, self.per_tenant, self.guaranteed)
        with self._lock:
            of_tenant = self._by_tenant[who.tenant_id]
            bound = reached_bound(quota, total=self._by_tenant.total(), of_tenant=of_tenant)
            if bound is not None:
                raise self._refusal(bound, who)
            self._by_tenant[who.tenant_id] += 1

    def leave(self, who: Principal) -> None:
        with self._lock:
            self._by_tenant[who.tenant_id] -= 1
            if not self._by_tenant[who.tenant_id]:
                del self._by_tenant[who.tenant_id]

    def _refusal(self, bound: Bound, who: Principal) -> TooManyCalls | Overloaded:
        if bound is Bound.TENANT:
            return TooManyCalls(
                f"The tenant {who.tenant} {self.verb} {plural(self.per_tenant, self.what)} already, "
                "as many as it may at a time.",
                remedy="wait until one has ended, and try again",
                retry_after_s=_RETRY_AFTER_S,
            )
        return Overloaded(
            f"{plural(self._by_tenant.total(), self.what)} are {self.participle} on this host, "
            "as many as it serves at a time.",
            remedy="try again",
            retry_after_s=_RETRY_AFTER_S,
        )


def of_downloads() -> CallQuota:
    """Of backups, which may be long."""
    return CallQuota(DOWNLOADS_AT_ONCE, 1, "backup", verb="downloads", participle="downloaded")


def of_heads() -> CallQuota:
    return CallQuota(HEADS_AT_ONCE, HEADS_OF_A_TENANT, "branch head")


def of_job_verifications() -> CallQuota:
    """Of CI jobs' tokens, whose issuer may have to be asked."""
    return CallQuota(VERIFICATIONS_AT_ONCE, VERIFICATIONS_OF_A_TENANT, "CI job's token")


def of_proofs() -> CallQuota:
    return CallQuota(PROOFS_AT_ONCE, PROOFS_OF_A_TENANT, "DNS record")


def of_terminals() -> CallQuota:
    """Programs in replicas, each of which holds a thread for as long as it runs."""
    return CallQuota(TERMINALS_AT_ONCE, TERMINALS_OF_A_TENANT, "terminal", verb="uses", participle="used", guaranteed=2)


def of_tries(web_threads: int) -> CallQuota:
    """Requests that are tried at apps, a burst as one: the edge may have to ask this process who calls meanwhile."""
    return CallQuota(max(1, web_threads // 2), 1, "request", verb="tries", participle="tried")


def of_texts(web_threads: int) -> CallQuota:
    """Responses with text leave two threads free; those of one tenant take a third."""
    return CallQuota(max(1, web_threads - LEFT_FOR_OTHER_CALLS), max(1, web_threads // 3), "text")


def _written(lines: Iterator[str]) -> Iterator[str]:
    """The lines, many in one piece. Raises `TimeoutError` when the client takes too long: it sees that the response is
    incomplete."""
    until = time.monotonic() + TEXT_LIFETIME_S
    piece: list[str] = []
    chars = 0
    for line in lines:
        piece.append(line)
        chars += len(line)
        if chars >= _WRITTEN_CHARS:
            yield "".join(piece)
            piece, chars = [], 0
            if time.monotonic() > until:
                raise TimeoutError
    yield "".join(piece)


def _until(pieces: Iterator[bytes], until: float) -> Iterator[bytes]:
    """Raises `TimeoutError`, as for text."""
    for piece in pieces:
        yield piece
        if time.monotonic() > until:
            raise TimeoutError
