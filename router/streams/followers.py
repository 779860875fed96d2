"""Who follows streams. Each stream holds a thread of the server, so their number is bounded: by principal, by tenant,
and in all, with a reserve for tenants that have few (`slipway.core.access.stream_quota`)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response

from router.principal import Kind, Principal
from router.streams import sse
from router.streams.events import Events
from router.streams.framing import frames
from slipway.core.access.stream_quota import Bound, StreamQuota, reached_bound
from slipway.core.text.counting import plural
from slipway.errors import TooManyFollowers, TooManyStreams

_RETRY_AFTER_S = 5


@dataclass(slots=True)
class Followers:
    """Counts the streams of this process, which is the host's only one that serves the API."""

    quota: StreamQuota
    stopping: Callable[[], bool] = lambda: False
    """Is the process about to end? Streams then end too."""
    _by_tenant: Counter[int] = field(default_factory=Counter)
    _by_principal: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stream(self, events: Events, principal: Principal, may_go_on: Callable[[], bool] = lambda: True) -> Response:
        """Respond with events as they come, for as long as the principal may read them.

        Raises:
            TooManyStreams: the tenant or the principal has as many as it may; `events` is not begun.
            TooManyFollowers: the host has.
        """
        self._enter(principal)
        text = frames(events, self.stopping, may_go_on)
        response = Response(text, content_type=f"{sse.MEDIA_TYPE}; charset=utf-8")
        response.headers["X-Accel-Buffering"] = "no"
        response.call_on_close(lambda: self._leave(principal))
        return response

    def of_tenant(self, tenant_id: int) -> int:
        """How many streams the tenant follows now."""
        with self._lock:
            return self._by_tenant.get(tenant_id, 0)

    def _enter(self, who: Principal) -> None:
        key = (who.kind, who.id)
        with self._lock:
            of_tenant, of_principal = self._by_tenant[who.tenant_id], self._by_principal[key]
            total = self._by_tenant.total()
            bound = reached_bound(self.quota, total=total, of_tenant=of_tenant, of_token=of_principal)
            if bound is not None:
                raise _refusal(bound, who, self.quota)
            self._by_tenant[who.tenant_id] += 1
            self._by_principal[key] += 1

    def _leave(self, who: Principal) -> None:
        with self._lock:
            _decrement(self._by_tenant, who.tenant_id)
            _decrement(self._by_principal, (who.kind, who.id))


def _decrement(counted: Counter[Any], key: object) -> None:
    counted[key] -= 1
    if not counted[key]:
        del counted[key]


def _refusal(bound: Bound, who: Principal, quota: StreamQuota) -> TooManyStreams | TooManyFollowers:
    remedy = "end one that you no longer read, or ask without following every few seconds"
    if bound is Bound.TENANT:
        message = f"The tenant {who.tenant} follows {plural(quota.per_tenant, 'stream')} already, as many as it may."
    elif bound is Bound.TOKEN:
        message = (
            f"The {who.kind} {who.name!r} follows {plural(quota.per_token, 'stream')} already, as many as one may."
        )
    else:
        return TooManyFollowers(
            "As many streams are open on this host as it serves at a time.",
            remedy="ask without following every few seconds, or try again",
            retry_after_s=_RETRY_AFTER_S,
        )
    return TooManyStreams(message, remedy=remedy, retry_after_s=_RETRY_AFTER_S)
