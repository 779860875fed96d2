"""Times and amounts as people read them, in the command and in the console alike."""

from __future__ import annotations

from datetime import datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
NEVER = "never"
_SHORT_COMMIT, _SHORT_DIGEST = 7, 12


def ago(moment: datetime | None, at: datetime) -> str:
    """`3 min ago`, as seen `at`."""
    if moment is None:
        return NEVER
    passed = (at - moment).total_seconds()
    for size_s, unit in _UNITS:
        if abs(passed) >= size_s:
            return f"{int(passed // size_s)} {unit} ago" if passed > 0 else f"in {int(-passed // size_s)} {unit}"
    return "just now"


def seconds(value: float | None) -> str:
    """`11.8 s`; empty when it is not known."""
    return "" if value is None else f"{value:.1f} s"


def size(count: int | None) -> str:
    """Bytes, in the unit that people would take; empty when they are not known."""
    if count is None:
        return ""
    unit = next(((each, name) for each, name in _SIZES if count >= each), None)
    return f"{count / unit[0]:.1f} {unit[1]}" if unit else f"{count} B"


def version(commit: str, digest: str) -> str:
    """What was deployed, as short as people write it: a commit, or a pulled image's digest."""
    return commit[:_SHORT_COMMIT] or digest.removeprefix("sha256:")[:_SHORT_DIGEST]
