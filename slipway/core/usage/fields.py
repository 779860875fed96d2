"""What is counted of an app's traffic and of a replica's resources.

A `Usage` holds what is not zero, by the names that columns, documents and exports have for it, too. All values are
whole numbers, so that a sum is the same in whatever order it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Usage = dict[str, int]

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
REQUESTS = tuple(f"requests_{each}" for each in CLASSES)
"""By class of status."""
TRAFFIC = (*REQUESTS, "bytes_in", "bytes_out", "duration_ms")
"""In the order of an edge's record. The duration is all requests' together, without WebSockets and event streams."""
LATENCY_BOUNDS_MS = (1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
LATENCY = tuple(f"latency_{number}" for number in range(1, len(LATENCY_BOUNDS_MS) + 2))
"""Requests by duration: up to each bound and beyond the one before; the last beyond all bounds."""
RESOURCES = (
    *("running_ms", "cpu_us"),
    *("memory_byte_s", "memory_peak_bytes", "memory_limit_byte_s"),
    *("network_in_bytes", "network_out_bytes"),
)
"""`memory_byte_s` is memory times the seconds that it was held, as `memory_limit_byte_s` is the limit times the seconds
of running. Memory is without files that the kernel may drop from its cache."""
PEAKS = frozenset({"memory_peak_bytes"})
"""The larger one counts where two are put together; all others are added."""
FIELDS = (*TRAFFIC, *LATENCY, *RESOURCES)
LARGEST = (1 << 53) - 1
"""Of one value in a record; what is larger is a defect."""


def add(to: Usage, more: Mapping[str, int]) -> None:
    """Put `more` into `to`."""
    if not to:
        to.update(more)
        return
    for name, value in more.items():
        if name in PEAKS:
            to[name] = max(to.get(name, 0), value)
        elif value:
            to[name] = to.get(name, 0) + value


def total(parts: Iterable[Mapping[str, int]]) -> Usage:
    found: Usage = {}
    for each in parts:
        add(found, each)
    return found


def requests(usage: Mapping[str, int]) -> int:
    """Of all classes."""
    return sum(usage.get(name, 0) for name in REQUESTS)


def latency_ms(usage: Mapping[str, int], share: float) -> float | None:
    """The duration that `share` of the requests did not exceed, estimated within the bounds that it lies between. None:
    no request was timed. Beyond all bounds: the largest bound."""
    counts = [usage.get(name, 0) for name in LATENCY]
    wanted = share * sum(counts)
    below = 0.0
    for count, bound in zip(counts, LATENCY_BOUNDS_MS, strict=False):
        if count and wanted <= count:
            return below + (bound - below) * max(0.0, wanted) / count
        wanted -= count
        below = bound
    return below if any(counts) else None
