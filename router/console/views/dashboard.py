"""How the tenant's apps do, over a period: charts with the figures behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Response, request

from router.access import principal, services
from router.console import formats, responses
from router.console.asked import Asked
from router.console.routes import Values, page
from router.usecases.overviews.container_events import container_counts
from router.usecases.overviews.dashboard import Dashboard, Figures, Span, dashboard, dashboard_soon
from slipway.core.text import amounts
from slipway.core.usage.periods import Step

_PATH = "/dashboard"
_WAIT = "wait"
"""Asked for by who has no script: the page comes with its figures, however long they take."""
Number = float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the period's steps. Its title and its lines' names are texts."""

    name: str
    lines: dict[str, Callable[[Figures], Number]]
    written: Callable[[float], str]
    """A value as it stands in the table."""
    unit: str
    """How `console.js` writes values: a row of its own table."""


@dataclass(frozen=True, slots=True)
class Drawn:
    chart: Chart
    times: list[int]
    """Unix seconds."""
    values: dict[str, list[Number]]
    """Line → its values; None: nothing is known of the step, and the line is interrupted."""
    rows: list[tuple[str, list[str]]]


def _size(value: float) -> str:
    return amounts.size(round(value))


def _cpus(value: float) -> str:
    return f"{value:.2f}"


CHARTS = (
    Chart("requests", {"requests": lambda each: each.requests_per_s}, formats.rate, "rate"),
    Chart("errors", {"failed": lambda each: each.failed_per_s}, lambda value: f"{value:.2f}", "rate"),
    Chart(
        "latency",
        {"p50": lambda each: each.p50, "p95": lambda each: each.p95, "p99": lambda each: each.p99},
        formats.milliseconds,
        "ms",
    ),
    Chart("traffic", {"out": lambda each: each.out_per_s, "in": lambda each: each.in_per_s}, _size, "bytes"),
    Chart("cpu", {"cpus": lambda each: each.cpus}, _cpus, "number"),
    Chart("memory", {"memory": lambda each: float(each.memory_bytes)}, _size, "bytes"),
)


@page(_PATH, "dashboard.html", waits=True)
def show_dashboard() -> Values | Response:
    """A page does not wait for figures that nobody looked at lately: it comes without them, and asks for them."""
    asked = Asked(_PATH, request.args, ("period", "app"))
    span, app = asked.one_of("period", Span) or Span.DAY, asked.text("app")
    waits = responses.is_htmx() or asked.text(_WAIT) == "1"
    found = (dashboard if waits else dashboard_soon)(services(), principal(), span, app)
    shown = {"span": span, "app": app, "spans": list(Span), "address": asked.address}
    if found is None:
        return responses.page("dashboard_summing.html", shown | {"whole": asked.address(**{_WAIT: "1"})})
    return shown | _figures(asked, found)


def _figures(asked: Asked, found: Dashboard) -> Values:
    counts = container_counts(services(), principal())
    return {
        "found": found,
        "charts": [_drawn(chart, found) for chart in CHARTS],
        "counts": counts,
        "most_of_an_image": max([count for _, count in counts.by_image], default=1),
        "most_of_a_day": max([*(day.created for day in counts.days), *(day.removed for day in counts.days), 1]),
        "exports": _exports(asked, found),
    }


def _drawn(chart: Chart, found: Dashboard) -> Drawn:
    values: dict[str, list[Number]] = {
        name: [None if point.figures is None else of(point.figures) for point in found.points]
        for name, of in chart.lines.items()
    }
    rows = [
        (_step(found, number), [_cell(chart, values[name][number]) for name in chart.lines])
        for number in range(len(found.points))
    ]
    return Drawn(chart, [int(point.at.timestamp()) for point in found.points], values, rows)


def _step(found: Dashboard, number: int) -> str:
    shown = "%-d %b %Y" if found.period.step is Step.DAY else "%-d %b, %H:%M"
    return f"{found.points[number].at:{shown}}"


def _cell(chart: Chart, value: Number) -> str:
    return "" if value is None else chart.written(value)


def _exports(asked: Asked, found: Dashboard) -> dict[str, str]:
    """By table: where it is exported for this period and this app."""
    shared = {"period": "", "app": asked.text("app"), "from": f"{found.period.begins_at:%Y-%m-%dT%H:%M:%SZ}"}
    usage = {by: asked.address_of("/api/exports/usage", by=by, step=found.period.step, **shared) for by in _BY}
    events = asked.address_of("/api/exports/container-days", period="", app="")
    return usage | {"days": events, "containers": asked.address_of("/api/exports/containers", period="")}


_BY: Sequence[str] = ("nothing", "app", "image")
