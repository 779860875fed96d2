"""Why a step of a build failed: the cause that its output names, and the line of it that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.core.causes import of_compilers, of_exceptions, of_package_managers, of_surroundings
from slipway.core.causes.table import Cause, Found, last_cause, last_found, read_of

SHOWN_LINES = 20
"""As many as a deployment keeps."""
_BEFORE = 3
"""Lines shown before the decisive one."""
_SIGNS = (*of_package_managers.SIGNS, *of_compilers.SIGNS)
_BOILERPLATE = re.compile(
    r"\s*(?:note: This error originates from a subprocess|\[end of output\]|[│×╰]|error: subprocess-exited-with-error"
    r"|npm (?:error|ERR!) (?:A complete log of this run|\s*/root/\.npm/_logs/|For a full report see)"
    r"|\[notice\]|WARNING: Running pip as the 'root' user|[━ ]+[\d.]+/[\d.]+ [kMG]B|npm (?:error|ERR!)\s*$|\s*$)"
)


@dataclass(frozen=True, slots=True)
class Explained:
    cause: Cause | None
    tail: str
    """What of the output is worth reading."""


def explain(lines: Sequence[str]) -> Explained:
    """What a step's own lines say."""
    printed = read_of(lines)
    found = _found(printed)
    cause = found[1] if found else last_cause(of_exceptions.SIGNS, printed)
    at = printed.count("\n", 0, found[0]) if found else None
    return Explained(cause, "\n".join(_worth_reading(lines, at)))


def _found(printed: str) -> Found | None:
    missing = _in_builds(of_surroundings.missing_variables(printed))
    both = [each for each in (missing, last_found(_SIGNS, printed)) if each is not None]
    return max(both, key=lambda each: each[0]) if both else None


def _in_builds(missing: Found | None) -> Found | None:
    """Builds get variables of their own, as secrets."""
    if missing is None:
        return None
    end, cause = missing
    remedy = cause.remedy.replace("slipway env set", "slipway env set --build")
    return end, Cause(
        cause.sentence.replace("not set here", "not set in builds"),
        f"have the step read it as a secret (RUN --mount=type=secret), and: {remedy}",
    )


def _worth_reading(lines: Sequence[str], decisive: int | None) -> list[str]:
    """The end of the output without boilerplate. Where the decisive line would not be among it, from that one on."""
    own = [number for number, line in enumerate(lines) if number == decisive or not _BOILERPLATE.match(line)]
    shown = own[-SHOWN_LINES:]
    if decisive is not None and decisive not in shown:
        at = own.index(decisive)
        shown = own[max(0, at - _BEFORE) : at - _BEFORE + SHOWN_LINES]
    return [lines[number] for number in shown]
