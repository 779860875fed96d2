"""export: tables for other programs."""

from __future__ import annotations

from typing import IO

import click

from slipway.cli.invocation import Invocation, command
from slipway.cli.output import safe

_TABLES = ("apps", "containers", "deployments", "usage", "container-days")
_STEPS = ("minute", "hour", "day")
_BY = ("nothing", "app", "process", "image", "replica")
_TAKES = {
    "app": ("containers", "deployments", "usage"),
    "from": ("deployments", "usage", "container-days"),
    "to": ("deployments", "usage", "container-days"),
    "step": ("usage",),
    "by": ("usage",),
}


@click.command()
@click.argument("table", type=click.Choice(_TABLES))
@click.option("-a", "--app", help="Of this app alone; else of all.")
@click.option("--from", "from_", metavar="TIME", help="Such as 2026-11-30T08:00:00Z.")
@click.option("--to", metavar="TIME", help="Else now.")
@click.option("--step", type=click.Choice(_STEPS), help="Of usage; else as suits the period.")
@click.option("--by", type=click.Choice(_BY), help="What to tell apart in usage.")
@click.option(
    "--format",
    "as_",
    type=click.Choice(("csv", "json", "jsonl")),
    default="csv",
    show_default=True,
    help="How rows are written.",
)
@click.option("-o", "--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file.")
@command
def export(call: Invocation, table: str, as_: str, output: IO[str], **asked: str | None) -> None:
    """A table of the tenant for other programs, as CSV or JSON.

    \b
    slipway export containers > containers.csv
    slipway export deployments -a shop --from 2026-11-01T00:00:00Z --format json
    slipway export usage --by app --step day -o november.csv
    """
    given = {name.rstrip("_"): value for name, value in {**asked, "app": call.app_given}.items() if value is not None}
    for name in given:
        if table not in _TAKES[name]:
            raise click.UsageError(f"--{name} is nothing of {table}: it is for {', '.join(_TAKES[name])}")
    for piece in call.client.pieces(f"/exports/{table}", format="json" if call.out.as_json else as_, **given):
        output.write(safe(piece) if output.isatty() else piece)
