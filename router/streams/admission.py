"""Whether the reader of a stream may go on: a token may be revoked, a session end, a role be taken away meanwhile."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from router import authentication
from router.authentication import Credentials
from router.principal import Principal
from router.services import Services
from slipway.core.access.roles import Role
from slipway.errors import DependencyUnavailable, NotAllowed, NotAuthenticated

LOOK_AT_LEAST_EVERY_S = 30.0
"""Tokens and sessions also end by themselves, which is no change that anybody reports."""


@dataclass(slots=True)
class StaysAdmitted:
    """Calls say whether the credentials with which the stream began are still good for it. They are looked at again
    when a change of anybody's identity was reported, and every so often. Where nobody can tell, the stream goes on for
    `unknown_s` since it was last known."""

    services: Services
    credentials: Credentials
    principal: Principal
    role: Role
    unknown_s: float = math.inf
    lasts_s: float = math.inf
    """So long it goes on in all."""
    _began: float = field(default_factory=time.monotonic)
    _seen: str = ""
    """Of no change: what came between the sign-in of the request and the first look is not missed."""
    _looked_at: float = field(default_factory=time.monotonic)

    def __call__(self) -> bool:
        if time.monotonic() - self._began >= self.lasts_s:
            return False
        newest = self.services.newest_change.id()
        if newest == self._seen and time.monotonic() - self._looked_at < LOOK_AT_LEAST_EVERY_S:
            return True
        try:
            now = authentication.identify(self.services, self.credentials)
            now.require(self.role)
        except (NotAuthenticated, NotAllowed):
            return False
        except DependencyUnavailable:
            return time.monotonic() - self._looked_at < self.unknown_s
        self._seen, self._looked_at = newest, time.monotonic()
        return now.tenant_id == self.principal.tenant_id
