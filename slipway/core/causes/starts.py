"""Why a replica did not become ready, or a pre-deploy command failed: the one cause that explains it best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.core.causes import of_commands, of_exceptions, of_other_languages, of_probes, of_python, of_surroundings
from slipway.core.causes.table import Cause, Sign, last_cause, last_found, read_of
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.listeners import Listener

# What has a place goes before what is simply missing: of two that end together, `last_found` takes the first.
_SIGNS = (
    *of_surroundings.HOME,
    *of_python.SIGNS,
    *of_other_languages.SIGNS,
    *of_commands.SIGNS,
    *of_surroundings.SIGNS,
)


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a start that failed."""

    printed: str
    """The last lines of its output."""
    port: int
    """$PORT."""
    exit_code: int | None = None
    """None: it runs still."""
    probe: ProbeError | None = None
    """The last probe's error, where that is what failed."""
    listeners: Sequence[Listener] | None = None
    """What listens in its container; None: that can't be seen."""
    read_only: bool = True
    """Is its root file system read-only?"""
    timeout_s: float = 30.0
    """How long it had to become ready."""


def cause(start: Start) -> Cause | None:
    """None: nothing is sure."""
    start = replace(start, printed=read_of(start.printed.split("\n")))
    if start.probe is None:
        return of_output(start) or of_commands.by_exit_code(start.exit_code)
    if start.probe.cause is ProbeCause.REFUSED:
        return _of_refused(start)
    return of_output(start) or of_probes.of_answer(start.probe, start.timeout_s)


def of_output(start: Start) -> Cause | None:
    """The cause that the output names."""
    found = last_found(_signs(read_only=start.read_only), start.printed)
    missing = of_surroundings.missing_variables(start.printed)
    both = [each for each in (missing, found) if each is not None]
    return max(both, key=lambda each: each[0])[1] if both else last_cause(of_exceptions.SIGNS, start.printed)


def _signs(*, read_only: bool) -> Sequence[Sign]:
    return (*_SIGNS, *(of_surroundings.READ_ONLY_ROOT if read_only else of_surroundings.WRITABLE_ROOT))


def _of_refused(start: Start) -> Cause | None:
    """What listens is seen, or else what the app says of it; where nothing does, its output may say why not."""
    assert start.probe is not None  # noqa: S101 - the caller checked
    seen = start.listeners is not None
    listeners = start.listeners if start.listeners is not None else of_probes.said_listeners(start.printed)
    if listeners:
        return of_probes.of_refused(start.port, listeners, start.timeout_s)
    said = of_output(start) or of_probes.of_unix_socket(start.printed, start.port)
    return said or of_probes.of_refused(start.port, () if seen else listeners, start.timeout_s)
