"""`make bench`: the edge beside other proxies, what it costs to know who calls, TLS handshakes, routes at scale, the
push's path, what all of it takes when idle, what keeping usage costs, and the console's pages, against their budgets,
in one run, as Markdown.

One part of it alone: `python -m tests.bench edge|identity|tls|routes|push|usage|console`; `--short` takes fewer rounds
of the first three and of the last, and three hours instead of a day of usage. Only when asked for: `phases` says where
the edge's cost goes, `builds` how long small repositories in several languages take.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tests.bench import builds, deliveries, edge, edge_phases, identity, idle, pushes, routes, tls, usage
from tests.bench.console import report as console
from tests.bench.measuring import Row, engine, machine, table
from tests.fixtures.stack import running_stack


def measure_pushes() -> list[Row]:
    with running_stack(workers="1") as stack:
        print(engine(stack.docker), flush=True)
        rows = [pushes.compare(stack), pushes.roll_back(stack), idle.memory(stack)]
        sender = deliveries.prepare(stack)
        return [*rows, deliveries.steady(stack, sender), deliveries.disk(stack), deliveries.burst(sender)]


MEASURES: dict[str, Callable[[bool], tuple[str, list[Row]]]] = {
    "edge": lambda short: edge.measure(edge.SHORT if short else edge.Extent()),
    "identity": lambda short: identity.measure(identity.SHORT if short else identity.Extent()),
    "tls": lambda short: tls.measure(tls.SHORT if short else tls.Extent()),
    "routes": lambda _short: ("", routes.rows()),
    "push": lambda _short: ("", measure_pushes()),
    "usage": lambda short: ("", usage.rows(usage.SHORT_H if short else usage.DAY_H)),
    "console": lambda short: console.measure(console.SHORT if short else console.Extent()),
    "builds": lambda _short: ("", builds.measure()),
    "phases": lambda _short: (edge_phases.measure(), []),
}
"""What is shown of each part as it is measured, and its rows."""
PARTS = tuple(MEASURES)
USUAL = tuple(each for each in PARTS if each not in ("builds", "phases"))


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="what to measure (all of it)")
    options.add_argument(
        "--short",
        action="store_true",
        help="few rounds of edge, identity, tls and console, 100 routes, three hours of usage",
    )
    chosen = options.parse_args()
    parts = chosen.parts or USUAL
    if unknown := set(parts) - set(PARTS):
        options.error(f"no such part: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    print(machine(), flush=True)
    for part in (each for each in PARTS if each in parts):
        shown, of_part = MEASURES[part](chosen.short)
        if shown:
            print(f"\n{shown}", flush=True)
        rows += of_part
    if rows:
        print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
