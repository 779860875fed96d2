"""What was used in a step as one flat row, for exports: whole numbers as they are counted, and what follows from
them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from slipway.core.usage import fields
from slipway.core.usage.fields import RESOURCES, TRAFFIC

WHOSE = ("app", "environment", "process", "image", "image_name", "replica")
SHARES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}
COLUMNS = ("at", *WHOSE, "requests", *TRAFFIC, *SHARES, *RESOURCES)

Cell = str | int | float | None


def flat_row(at: datetime, whose: Mapping[str, str], usage: Mapping[str, int]) -> dict[str, Cell]:
    """By column. What is not known is None; what is counted and did not happen is 0."""
    counted: dict[str, Cell] = {name: usage.get(name, 0) for name in (*TRAFFIC, *RESOURCES)}
    latencies: dict[str, Cell] = {name: rounded(fields.latency_ms(usage, share)) for name, share in SHARES.items()}
    row = counted | latencies | {name: whose.get(name, "") for name in WHOSE}
    row |= {"at": at.isoformat().replace("+00:00", "Z"), "requests": fields.requests(usage)}
    return {name: row[name] for name in COLUMNS}


def rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
