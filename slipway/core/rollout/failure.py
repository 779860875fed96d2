"""Why a deployment can't go on, as data: codes that decide what follows, beside the sentences that people read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

START_CRASHED = "start-crashed"
PROBE_FAILED = "start-probe-failed"
STOPPED_ANSWERING = "stopped-answering"
"""Reasons of a deployment's failure (part of the API)."""


class ProbeCause(StrEnum):
    """How far a probe came."""

    REFUSED = "refused"
    """Nothing listens on the port."""
    NO_CONNECTION = "no-connection"
    """The connection was not taken in time, or failed in another way."""
    NO_ANSWER = "no-answer"
    """The connection was taken, and no whole answer came in time."""
    CLOSED = "closed"
    """The connection closed without an answer."""
    NOT_HTTP = "not-http"
    HEAD_TOO_LONG = "head-too-long"
    BAD_STATUS = "bad-status"
    """The health path was answered with a status that is not good."""


@dataclass(frozen=True, slots=True)
class ProbeError:
    """Why a probe failed."""

    cause: ProbeCause
    message: str
    path: str = ""
    """What was requested; set with `BAD_STATUS`."""
    status: int = 0
    """Of the answer; set with `BAD_STATUS`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a deployment's error is made of."""

    reason: str
    """Stable code."""
    message: str
    remedy: str = ""
    """Set where the message says the whole cause."""
    tail: str = ""
    exit_code: int | None = None
    """Of what ended, where the cause is to be found in its output or in this."""
    otherwise: str = ""
    """The remedy where no cause is found."""
    probe: ProbeError | None = None
    """The last probe's error, where that is what failed."""
