"""What happens next to a host's certificate, or what somebody has to do: one sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from slipway.core.certificates.renewal import alarm_at
from slipway.core.certificates.states import State


@dataclass(frozen=True, slots=True)
class Standing:
    """How a certificate stands."""

    state: State
    reason: str = ""
    remedy: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    renew_at: datetime | None = None
    next_attempt_at: datetime | None = None
    is_own: bool = False
    """Somebody gave it, and nobody renews it by himself."""
    own_is_served: bool = False
    """What is in place now is one that somebody gave."""


def next_step(standing: Standing) -> str:
    if standing.reason:
        return f"{standing.remedy or 'nothing to do'}{_attempt(standing)}"
    if standing.is_own:
        return _of_own(standing)
    if standing.state is State.ISSUED and standing.own_is_served:
        return "nothing to do: the authority is being asked; until then the own one is served"
    if standing.state is State.ISSUED:
        at = f" at {_time(standing.renew_at)}" if standing.renew_at else ""
        return f"nothing to do: it is renewed{at}"
    return "nothing to do: it is being issued, which takes some seconds"


def _of_own(standing: Standing) -> str:
    if standing.state is not State.ISSUED or standing.renew_at is not None or standing.not_after is None:
        return "nothing to do: it is being put in place, which takes some seconds"
    return f"before {_time(standing.not_after)} give the next one: slipway certificates add"


def is_alarming(standing: Standing, now: datetime) -> bool:
    """Whether a certificate that was issued should have been renewed long ago."""
    if standing.not_before is None or standing.not_after is None or standing.state is State.REMOVED:
        return False
    return now >= alarm_at(standing.not_before, standing.not_after)


def _attempt(standing: Standing) -> str:
    if standing.state is State.FAILED:
        return "; then ask for another attempt: slipway domains check"
    return f"; the next attempt is at {_time(standing.next_attempt_at)}" if standing.next_attempt_at else ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
