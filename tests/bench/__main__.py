"""`make bench`: the push's path against its budgets, in one run, as Markdown."""

from __future__ import annotations

from tests.bench import deliveries, pushes
from tests.bench.measuring import machine, table
from tests.fixtures.stack import running_stack


def main() -> None:
    with running_stack(workers="1") as stack:
        rows = [pushes.compare(stack), pushes.roll_back(stack)]
        sender = deliveries.prepare(stack)
        rows += [deliveries.steady(stack, sender), deliveries.disk(stack), deliveries.burst(sender)]
        where = machine(stack.docker)
    print(f"{where}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
