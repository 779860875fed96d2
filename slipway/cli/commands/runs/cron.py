"""cron: the app's schedule."""

from __future__ import annotations

import shlex
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.commands.runs.runs import show_table
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.output import ago, one_line, state
from slipway.cli.streams.run_output import say_begins, to_the_end


@noun(instead="slipway cron runs {}")
@app_option
@command
def cron(call: Invocation) -> None:
    """The app's schedule, and when it comes next."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/cron"))
    if call.out.as_json:
        call.out.document(listed)
        return
    empty = f"{call.app} has no schedule: write [[cron]] into slipway.toml, with name, schedule and command"
    headings = ("job", "schedule", "timezone", "next", "last", "when", "command")
    call.out.table(headings, [_row(each) for each in listed["jobs"]], empty=empty)


@cron.command("runs")
@click.argument("name")
@app_option
@click.option(
    "--limit", type=click.IntRange(1, 100), metavar="N", default=20, show_default=True, help="How many, newest first."
)
@command
def list_runs(call: Invocation, name: str, limit: int) -> None:
    """What a job ran, newest first."""
    listed = call.client.get(call.app_path("/runs"), cron=name, limit=limit)
    show_table(call, listed, empty=f"Nothing was run of {name} yet. The schedule: slipway cron -a {call.app}")


@cron.command("run")
@click.argument("name")
@app_option
@click.option("--detach", is_flag=True, help="Begin it, and do not wait for its end.")
@command
def run_now(call: Invocation, name: str, detach: bool) -> None:
    """Run a job now, beside its schedule."""
    run = call.client.post(call.app_path(f"/cron/{segment(name)}/run"))
    if detach:
        say_begins(call, run)
    else:
        to_the_end(call, run["id"])


def _row(job: dict[str, Any]) -> tuple[str, ...]:
    last = job["last_run"]
    return (
        job["name"],
        job["schedule"],
        job["timezone"],
        ago(job["next_tick"]) if job["next_tick"] else "",
        state(last["state"]) if last else "",
        ago(last["tick"] or last["created_at"]) if last else "",
        one_line(shlex.join(job["command"]), 40),
    )
