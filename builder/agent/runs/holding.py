"""What a run is called where containers, addresses and kept output are found by the name of who holds them."""

from __future__ import annotations

_PREFIX = "run-"


def holder(run_id: int) -> str:
    """The id of the run's container."""
    return f"{_PREFIX}{run_id}"


def run_of(holder_id: str) -> int | None:
    """The run that has that id; None: it is a replica's, or none."""
    number = holder_id.removeprefix(_PREFIX)
    return int(number) if number != holder_id and number.isdecimal() else None
