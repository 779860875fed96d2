"""Figures as they are reported: distributions, and one table for all rows."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the report. `holds` is None where the row has no budget."""

    what: str
    measured: str
    budget: str
    holds: bool | None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def spread(values: Sequence[float], unit: str = "ms", digits: int = 1) -> str:
    """Median, p95, p99 and maximum."""
    shown = (statistics.median(values), percentile(values, 0.95), percentile(values, 0.99), max(values))
    return " · ".join(
        f"{name} {value:.{digits}f} {unit}" for name, value in zip(("p50", "p95", "p99", "max"), shown, strict=True)
    )


def machine() -> str:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} × {model}, {memory_gib:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def engine(docker: Sequence[str]) -> str:
    """The version of the Docker Engine that builds and runs."""
    argv = [*docker, "version", "--format", "{{.Server.Version}}"]
    return f"Docker {subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()}"


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = ["| what | measured | budget | |", "| --- | --- | --- | --- |"]
    mark = {True: "holds", False: "**missed**", None: ""}
    lines += [f"| {row.what} | {row.measured} | {row.budget} | {mark[row.holds]} |" for row in rows]
    return "\n".join(lines)
