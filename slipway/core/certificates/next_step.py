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


def next_step(standing: Standing) -> str:
    if standing.reason:
        return f"{standing.remedy or 'nothing to do'}{_attempt(standing)}"
    if standing.state is State.ISSUED:
        at = f" at {_time(standing.renew_at)}" if standing.renew_at else ""
        return f"nothing to do: it is renewed{at}"
    return "nothing to do: it is being issued, which takes some seconds"


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
