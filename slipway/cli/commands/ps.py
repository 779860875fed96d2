"""ps: the app's replicas, and the commands that run beside them."""

from __future__ import annotations

import shlex
from typing import Any

import click

from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.output import ago, one_line, state
from slipway.cli.streams.replica_output import how_it_ended
from slipway.cli.streams.transcript import why_never_live


@click.command()
@app_option
@click.option("--all", "ended_too", is_flag=True, help="Also those that ended lately.")
@command
def ps(call: Invocation, ended_too: bool) -> None:
    """The app's replicas, and commands beside them."""
    listed = call.client.get(call.app_path("/replicas"), all=1 if ended_too else None)
    running = call.client.get(call.app_path("/runs"), active=1, limit=100)
    if call.out.as_json:
        call.out.document(listed | running)
        return
    rows: list[tuple[str, ...]] = [
        (
            f"{each['process']}.{each['slot']}",
            state(each["state"]),
            f"v{each['release']}",
            ago(each["created_at"]),
            str(each["restarts"]),
            how_it_ended(each),
            each["id"],
        )
        for each in listed["replicas"]
    ]
    rows += [_run(each) for each in running["runs"]]
    headings = ("process", "state", "release", "started", "restarts", "last end", "replica")
    call.out.table(headings, rows, empty="" if rows else none_runs(call))


def _run(run: dict[str, Any]) -> tuple[str, ...]:
    """A command that runs beside the replicas."""
    release = f"v{run['release']}" if run["release"] else ""
    began = ago(run["started_at"] or run["created_at"])
    what = f"cron {run['cron']}" if run["cron"] else one_line(shlex.join(run["command"]), 40)
    return (f"run {run['id']}", state(run["state"]), release, began, "", "", what)


def none_runs(call: Invocation) -> str:
    """Why no replica runs, what to do, and where the output is of those that ran."""
    app = call.client.get(call.app_path())
    if app["live"] is None:
        why = f"{call.app} is not live yet: {why_never_live(app)}"
    elif app["replicas"]["wanted"] == 0:
        why = f"No replica runs: {call.app} is scaled to 0. Start it: slipway scale 1 -a {call.app}"
    else:
        why = f"No replica runs. What became of them: slipway ps --all -a {call.app}"
    ran = [each for each in replicas_of(call, ended_too=True) if each["started_at"]]
    if not ran:
        return why
    last = ran[0]
    said = f"What {last['process']}.{last['slot']} v{last['release']} printed last is kept: slipway logs -a {call.app}"
    return f"{why}\n{said} --replica {last['id']}\nOthers that ended lately: slipway ps --all -a {call.app}"


def replicas_of(call: Invocation, *, ended_too: bool = False) -> list[dict[str, Any]]:
    listed = call.client.get(call.app_path("/replicas"), all=1 if ended_too else None)
    return list(listed["replicas"])
