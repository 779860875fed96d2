"""The time of a line that a replica or a run printed, as a client that comes back names it."""

from __future__ import annotations

import re
from datetime import datetime

_POSITION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_FIRST_YEAR = 1971
"""The runtime takes no times before 1970."""


def printed_at(position: str) -> datetime | None:
    """Without the fraction of a second, and without a timezone. None: it is the time of no line."""
    try:
        found = datetime.fromisoformat(position[:19]) if _POSITION.fullmatch(position) else None
    except ValueError:
        return None
    return found if found and found.year >= _FIRST_YEAR else None
