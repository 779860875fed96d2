"""usage: what the app used, hour by hour."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.output import one_line
from slipway.core.text.amounts import size

_STEPS = ("minute", "hour", "day")
_BY = ("nothing", "app", "process", "image", "replica")
_HEADINGS = ("requests", "failed", "p95", "in", "out", "cpu", "memory", "replica time")


@click.command()
@app_option
@click.option("--all-apps", is_flag=True, help="All of the tenant's apps, those that are deleted among them.")
@click.option("--from", "from_", metavar="TIME", help="Such as 2026-11-30T08:00:00Z; else a day ago.")
@click.option("--to", metavar="TIME", help="Else now.")
@click.option("--step", type=click.Choice(_STEPS), help="Else as suits the period. Minutes are kept for 7 days.")
@click.option("--by", type=click.Choice(_BY), default="nothing", show_default=True, help="What to tell apart.")
@click.option("--csv", "as_csv", is_flag=True, help="All that is counted, for spreadsheets.")
@command
def usage(
    call: Invocation,
    all_apps: bool,
    from_: str | None,
    to: str | None,
    step: str | None,
    by: str,
    as_csv: bool,
) -> None:
    """What the app used: requests, traffic, CPU, memory.

    \b
    slipway usage -a shop
    slipway usage -a shop --step minute --by replica --from 2026-11-30T08:00:00Z
    slipway usage --all-apps --step day --by app --csv > november.csv
    """
    path = "/usage" if all_apps else call.app_path("/usage")
    query = {"from": from_, "to": to, "step": step, "by": by}
    if as_csv:
        click.echo(call.client.text(path, format="csv", **query), nl=False)
        return
    shown = call.client.get(path, **query)
    if call.out.as_json:
        call.out.document(shown)
        return
    for series in shown["series"]:
        if by != "nothing":
            call.out.line(one_line(_name(series)))
        call.out.table((shown["step"], *_HEADINGS), [_row(shown["step"], each) for each in series["points"]], empty="")
    if not shown["series"]:
        call.out.hint(f"Nothing was counted from {shown['from']} to {shown['to']}. See a longer time: --from")
    for gap in shown["gaps"]:
        call.out.hint(_gap(gap))


def _name(series: dict[str, Any]) -> str:
    image = series["image_name"] or series["image"][:19]
    parts = (series["app"], series["environment"], series["process"], series["replica"], image)
    return " ".join(filter(None, parts)) or "requests that belong to no app"


def _row(step: str, point: dict[str, Any]) -> tuple[str, ...]:
    latency = point["latency_ms"]
    return (
        point["at"][: {"minute": 16, "hour": 16, "day": 10}[step]].replace("T", " "),
        str(point["requests"]),
        str(point["by_class"]["5xx"]),
        f"{latency['p95']:.0f} ms" if latency else "",
        size(point["bytes_in"]),
        size(point["bytes_out"]),
        f"{point['cpu_s']:.1f} s",
        size(point["memory_bytes"]),
        f"{point['running_s'] / 3600:.2f} h",
    )


def _gap(gap: dict[str, Any]) -> str:
    about = {
        "lost": "is missing: an edge's records were lost before they were read",
        "unreadable": "is missing: an edge's records could not be read",
        "late": "is counted, but it is not known when within it",
        "clock": "is counted at another time: an edge's clock was wrong",
    }
    return f"From {gap['from'][:19]} to {gap['to'][:19]} something {about.get(gap['kind'], gap['kind'])}."
