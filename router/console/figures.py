"""How the figures that a stream sends are written, and in which cells of a page: those with the name as
`data-figure`."""

from __future__ import annotations

from router.console import formats
from slipway.adapters.redis.edge_counts import Counts, Kind


def cells(kind: Kind, name: str, counts: Counts) -> dict[str, str]:
    """Name of a cell → what stands in it."""
    shown = {
        "requests": formats.count(counts.requests),
        "failed": formats.count(counts.failed),
        "rate": formats.rate(counts.requests_per_s),
    }
    return {f"{kind}/{name}/{figure}": text for figure, text in shown.items()}
