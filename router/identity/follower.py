"""Follows what happens at the identity provider, so that what somebody changes in its own console is in force within a
second: sessions end or are refreshed, and edges forget their verdicts.

It is one thread of the router. While the provider or Redis does not answer it waits longer and longer, and catches up
afterwards: sessions go on meanwhile, as they do when the provider is unreachable.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from slipway.core.identity.provider_changes import (
    Change,
    EverybodyChanged,
    PasswordChanged,
    PersonChanged,
    PersonSignedOut,
    SessionEnded,
)
from slipway.domain.audit import Actor
from slipway.errors import DependencyUnavailable, IdentityRefused

if TYPE_CHECKING:
    from router.identity.sign_on import SignOnServices
    from router.services import Services
    from slipway.adapters.redis.identity_position import IdentityPosition
    from slipway.ports.identity import ChangeFeed, Position

log = logging.getLogger(__name__)

EVERY_S = 0.4
"""From the end of one look to the next; longer where a look takes long, so that Keycloak does something else, too."""
_SHARE = 3
_WAITS_MOST_S = 5.0
_DOUBLED_MOST = 4


class IdentityFollower:
    """What a look finds is done first, and remembered as read then: after a failure it is found again."""

    def __init__(
        self,
        feed: ChangeFeed,
        positions: IdentityPosition,
        sign_on: SignOnServices,
        on_end: Callable[[str, int], None],
    ) -> None:
        """`on_end` is called with whose, or which, sessions have ended, and how many."""
        self._feed = feed
        self._positions = positions
        self._sign_on = sign_on
        self._on_end = on_end
        self._position: Position | None = None

    def look(self) -> int:
        """Do what has to be done about everything new: how much that was.

        Raises:
            DependencyUnavailable: Keycloak or Redis does not answer.
            IdentityRefused: Keycloak does not let Slipway read its events.
        """
        before = self._position or self._positions.read()
        changes, after = self._feed.read(before)
        for change in dict.fromkeys(changes):
            self._do(change)
        if after != before:
            self._positions.write(after)
        self._position = after
        return len(changes)

    def run(self, stopping: Callable[[], bool], wait: Callable[[float], object] = time.sleep) -> None:
        """Until `stopping`."""
        failures = 0
        while not stopping():
            began = time.monotonic()
            try:
                self.look()
                failures = 0
            except (DependencyUnavailable, IdentityRefused) as error:
                failures += 1
                self._failed(error, failures)
            except Exception:
                failures += 1
                log.exception("following the identity provider failed")
                self._begin_anew()
            pause = EVERY_S * 2 ** min(failures, _DOUBLED_MOST) if failures else _SHARE * (time.monotonic() - began)
            wait(min(max(EVERY_S, pause), _WAITS_MOST_S))
        self._feed.close()

    def _failed(self, error: DependencyUnavailable | IdentityRefused, failures: int) -> None:
        if failures == 1:
            log.warning("the identity provider is not followed now", extra={"why": error.message})
        self._begin_anew()

    def _begin_anew(self) -> None:
        """With another connection, and with the position that Redis has: it may have been emptied."""
        self._feed.close()
        self._position = None

    def _do(self, change: Change) -> None:
        log.info("%s", type(change).__name__, extra={"person": getattr(change, "sub", "")})
        sessions, changes = self._sign_on.sessions, self._sign_on.changes
        match change:
            case PersonChanged(sub):
                changes.person_changed(sub)
            case PersonSignedOut(sub):
                self._ended(sub, sessions.end_of_sub(sub))
            case PasswordChanged(sub, kept_sid):
                changes.person_changed(sub)
                many = sum(sessions.end_of_sid(sid) for sid in self._feed.end_sessions(change))
                self._ended(sub, many + (0 if kept_sid else sessions.end_of_sub(sub)))
            case SessionEnded(sid):
                self._ended(sid, sessions.end_of_sid(sid))
            case EverybodyChanged():
                changes.everybody_changed()

    def _ended(self, subject: str, many: int) -> None:
        if many:
            self._on_end(subject, many)


def start(services: Services, stopping: Callable[[], bool]) -> None:
    """In a thread of its own, where sign-on is on."""
    if services.identity is None or services.sign_on is None:
        return
    from router.login import recording  # noqa: PLC0415  only with sign-on
    from slipway.adapters.redis.identity_position import IdentityPosition  # noqa: PLC0415

    on_end = partial(recording.ended_by_provider, services.db, Actor(recording.IDENTITY_PROVIDER))
    positions = IdentityPosition(services.redis)
    follower = IdentityFollower(services.identity.follow(), positions, services.sign_on, on_end)
    threading.Thread(target=follower.run, args=(stopping,), name="identity-follower", daemon=True).start()
