"""runs: commands that ran or run beside the replicas."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.numbers import RUN
from slipway.cli.output import ago, one_line, state
from slipway.cli.streams.run_output import follow, show_lines


@noun(instead="slipway runs output {}")
@app_option
@click.option("--active", is_flag=True, help="Only those that have not ended.")
@click.option(
    "--limit", type=click.IntRange(1, 100), metavar="N", default=20, show_default=True, help="How many, newest first."
)
@command
def runs(call: Invocation, active: bool, limit: int) -> None:
    """Commands that ran once, newest first."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/runs"), limit=limit, active=1 if active else None)
    show_table(
        call, listed, empty=f"Nothing was run of {call.app}. A command, once: slipway run -a {call.app} -- COMMAND"
    )


@runs.command("output")
@click.argument("number", type=RUN)
@app_option
@click.option("-f", "--follow", "goes_on", is_flag=True, help="Go on as lines come, until it ends.")
@click.option(
    "-n",
    "--tail",
    type=click.IntRange(0, 10000),
    metavar="LINES",
    default=1000,
    show_default=True,
    help="How many lines.",
)
@command
def show_output(call: Invocation, number: int, goes_on: bool, tail: int) -> None:
    """What a run printed."""
    if goes_on:
        with suppress(KeyboardInterrupt):  # the way to end it, and no failure
            follow(call, number, ctrl_c_stops=False)
    else:
        show_lines(call, call.client.text(call.app_path(f"/runs/{number}/output"), tail=tail))


@runs.command("stop")
@click.argument("number", type=RUN)
@app_option
@command
def stop(call: Invocation, number: int) -> None:
    """End a run."""
    stopped = call.client.post(call.app_path(f"/runs/{number}/cancel"))
    sentence = (
        f"Run {number} is being stopped." if stopped["stopping"] else f"Run {number} has ended: {stopped['state']}."
    )
    call.answer(stopped, sentence)


def show_table(call: Invocation, listed: dict[str, Any], *, empty: str) -> None:
    if call.out.as_json:
        call.out.document(listed)
        return
    headings = ("run", "state", "command", "by", "when", "end")
    call.out.table(headings, [_row(each) for each in listed["runs"]], empty=empty)


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(run["id"]),
        state(run["state"]),
        one_line(shlex.join(run["command"]), 40),
        f"cron {run['cron']}" if run["cron"] else one_line(run["actor"], 20),
        ago(run["started_at"] or run["created_at"]),
        one_line(run["detail"]),
    )
