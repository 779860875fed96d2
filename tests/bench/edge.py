"""The edge beside plain nginx, Traefik and Caddy: CPU time for each request, requests per second, latency at half load
and memory, in alternating rounds, with few routes and many.

The proxies share one core and run one after the other; backend and load are on the other one. Alone:
`python -m tests.bench edge [--short]`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench import edge_costs
from tests.bench.edge_contenders import HOST, Contender, running, short_folder
from tests.bench.edge_load import Answered, Latencies, LoadGenerator
from tests.bench.measuring import Row, percentile

OF_PLAIN, OF_TRAEFIK, OF_CADDY = 0.85, 2.0, 3.0
SLOWER_MS = 0.5


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    routes: Sequence[int] = (1, 100, 10_000)
    rounds: int = 10
    seconds: int = 2


SHORT = Extent(routes=(100,), rounds=4)


@dataclass
class Figures:
    """One contender's, a value for each round."""

    contender: Contender
    cpu_us: list[float] = field(default_factory=list)
    """Of the proxy's processes, for each request answered."""
    per_s: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    """Share of the proxies' core that it had: well below 1, load or backend was what ended first, or others had it."""
    half_load: list[Latencies] = field(default_factory=list)
    memory_mib: float = 0.0

    def latency(self, which: Callable[[Latencies], float]) -> list[float]:
        return [which(each) for each in self.half_load]


def measure(extent: Extent) -> tuple[str, list[Row]]:
    """What each contender did, as Markdown, and the rows that have a budget."""
    shown, rows = [], []
    for count in extent.routes:
        with short_folder() as folder, running(folder, count) as contenders:
            figures = _rounds(contenders, LoadGenerator(folder, HOST, count), extent)
        shown.append(_table(count, list(figures.values())))
        rows += _rows(count, figures)
    return "\n\n".join(shown), rows


def _rounds(contenders: Sequence[Contender], load: LoadGenerator, extent: Extent) -> dict[str, Figures]:
    figures = {each.name: Figures(each) for each in contenders}
    for each in contenders:
        load.saturate(each.port, 1)  # connections are made, code is compiled
    for _ in range(extent.rounds):
        for each in figures.values():
            saturated(each, load, extent.seconds)
    for _ in range(extent.rounds):
        for each in figures.values():
            half = statistics.median(each.per_s) / 2
            each.half_load.append(load.steady(each.contender.port, half, extent.seconds))
    for each in figures.values():
        each.memory_mib = edge_costs.memory_mib(*each.contender.pids)
    return figures


def saturated(figures: Figures, load: LoadGenerator, seconds: int) -> Answered:
    before_s = edge_costs.cpu_s(*figures.contender.pids)
    answered = load.saturate(figures.contender.port, seconds)
    used_s = edge_costs.cpu_s(*figures.contender.pids) - before_s
    figures.cpu_us.append(used_s / answered.requests * 1e6)
    figures.per_s.append(answered.per_s)
    figures.busy.append(used_s / answered.seconds)
    return answered


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of each round's own ratio: what disturbs a round mostly disturbs both."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def _table(count: int, figures: Sequence[Figures]) -> str:
    plain = next(each for each in figures if each.contender.name == "nginx")
    columns = "CPU a request | of plain | requests/s | of plain | core used | p50 | p99 | p99.9 | memory"
    lines = [f"| {routes(count)} | {columns} |", f"| --- {'| ---: ' * 9}|"]
    for each in figures:
        latencies = [each.latency(which) for which in (lambda x: x.p50, lambda x: x.p99, lambda x: x.p999)]
        cells = [
            each.contender.name,
            f"{statistics.median(each.cpu_us):.1f} µs",
            f"{ratio(plain.cpu_us, each.cpu_us):.2f}",
            f"{statistics.median(each.per_s):,.0f}",
            f"{ratio(each.per_s, plain.per_s):.2f}",
            f"{statistics.median(each.busy):.0%}",
            *(f"{statistics.median(rounds):.2f} ms" for rounds in latencies),
            f"{each.memory_mib:.0f} MiB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _rows(count: int, figures: dict[str, Figures]) -> Iterator[Row]:
    ours, plain = figures["Slipway"], figures["nginx"]
    yield share(f"edge, {routes(count)}: of plain nginx", ours, plain, OF_PLAIN)
    for name, budget in (("Traefik", OF_TRAEFIK), ("Caddy", OF_CADDY)):
        yield share(f"edge, {routes(count)}: of {name}", ours, figures[name], budget)
    yield _slower(count, ours, plain)


def routes(count: int) -> str:
    return "1 route" if count == 1 else f"{count:,} routes"


def share(what: str, ours: Figures, theirs: Figures, budget: float | None = None) -> Row:
    by_cpu, by_rate = ratio(theirs.cpu_us, ours.cpu_us), ratio(ours.per_s, theirs.per_s)
    measured = f"{by_cpu:.2f} by CPU time a request, {by_rate:.2f} by requests/s"
    if budget is None:
        return Row(what, measured, "", None)
    return Row(what, measured, f"≥ {budget}", min(by_cpu, by_rate) >= budget)


def _slower(count: int, ours: Figures, plain: Figures) -> Row:
    p99, of_plain = ours.latency(lambda x: x.p99), plain.latency(lambda x: x.p99)
    own_spread = percentile(of_plain, 0.75) - percentile(of_plain, 0.25)
    limit = statistics.median(of_plain) + max(SLOWER_MS, own_spread)
    return Row(
        f"edge, {routes(count)}: p99 at half load, open loop",
        f"{statistics.median(p99):.2f} ms; plain nginx {statistics.median(of_plain):.2f} ms, "
        f"half of its rounds within {own_spread:.2f} ms",
        f"≤ plain + {max(SLOWER_MS, own_spread):.2f} ms",
        statistics.median(p99) <= limit,
    )
