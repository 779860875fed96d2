"""`make bench`: the edge beside other proxies, what it costs to know who calls, TLS handshakes, routes at scale, the
push's path, what all of it takes when idle, and what keeping usage costs, against their budgets, in one run, as
Markdown.

One part of it alone: `python -m tests.bench edge|identity|tls|routes|push|usage|console`; `--short` takes fewer rounds of the
first three. `phases` (only when asked for) says where the edge's cost goes.
"""

from __future__ import annotations

import argparse

from tests.bench import deliveries, edge, edge_phases, identity, idle, pushes, routes, tls, usage
from tests.bench.console import report as console
from tests.bench.measuring import Row, engine, machine, table
from tests.fixtures.stack import running_stack

USUAL = ("edge", "identity", "tls", "routes", "push", "usage", "console")
PARTS = (*USUAL, "phases")


def measure_pushes() -> list[Row]:
    with running_stack(workers="1") as stack:
        print(engine(stack.docker), flush=True)
        rows = [pushes.compare(stack), pushes.roll_back(stack), idle.memory(stack)]
        sender = deliveries.prepare(stack)
        return [*rows, deliveries.steady(stack, sender), deliveries.disk(stack), deliveries.burst(sender)]


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="what to measure (all of it)")
    options.add_argument("--short", action="store_true", help="few rounds of edge, identity and tls, with 100 routes")
    chosen = options.parse_args()
    parts = chosen.parts or USUAL
    if unknown := set(parts) - set(PARTS):
        options.error(f"no such part: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    print(machine(), flush=True)
    if "edge" in parts:
        shown, rows = edge.measure(edge.SHORT if chosen.short else edge.Extent())
        print(f"\n{shown}", flush=True)
    if "identity" in parts:
        shown, of_identity = identity.measure(identity.SHORT if chosen.short else identity.Extent())
        print(f"\n{shown}", flush=True)
        rows += of_identity
    if "tls" in parts:
        shown, of_tls = tls.measure(tls.SHORT if chosen.short else tls.Extent())
        print(f"\n{shown}", flush=True)
        rows += of_tls
    if "routes" in parts:
        rows += routes.rows()
    if "push" in parts:
        rows += measure_pushes()
    if "usage" in parts:
        rows += usage.rows()
    if "console" in parts:
        shown, of_console = console.measure(console.SHORT if chosen.short else console.Extent())
        print(f"\n{shown}", flush=True)
        rows += of_console
    if "phases" in parts:
        print(f"\n{edge_phases.measure()}", flush=True)
    if rows:
        print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
