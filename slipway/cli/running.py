"""ps and logs: the app's replicas and what they print."""

from __future__ import annotations

import time

import click

from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.output import ago, state
from slipway.errors import DependencyUnavailable

_ABSENCES = 5
"""After so many failed tries in a row, about ten seconds, following ends."""


@click.command()
@app_option
@click.option("--all", "ended_too", is_flag=True, help="Also those that ended lately.")
@command
def ps(call: Invocation, ended_too: bool) -> None:
    """The app's replicas."""
    listed = call.client.get(call.app_path("/replicas"), all=1 if ended_too else None)
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (
            each["id"],
            f"{each['process']}.{each['slot']}",
            state(each["state"]),
            f"v{each['release']}",
            ago(each["created_at"]),
            str(each["restarts"]),
            "" if each["exit_code"] is None else str(each["exit_code"]),
        )
        for each in listed["replicas"]
    ]
    headings = ("replica", "process", "state", "release", "started", "restarts", "exit")
    call.out.table(headings, rows, empty=f"None runs: slipway scale 1 -a {call.app}, or deploy first")


@click.command()
@app_option
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come.")
@click.option("-n", "--tail", default=100, show_default=True, help="Lines of each replica to begin with.")
@click.option("--replica", help="Only this one; also one that ended.")
@click.option("--deployment", type=int, help="The build log of this deployment instead.")
@command
def logs(call: Invocation, follow: bool, tail: int, replica: str | None, deployment: int | None) -> None:
    """What the app prints."""
    if deployment is not None:
        _build_log(call, deployment, follow)
    elif follow:
        _follow(call, tail, replica)
    else:
        text = call.client.text(call.app_path("/logs"), tail=tail, replica=replica)
        call.answer({"log": text}, text.rstrip("\n"))


def _build_log(call: Invocation, deployment: int, follow: bool) -> None:
    if not follow:
        text = call.client.text(f"/deployments/{deployment}/log")
        call.answer({"log": text}, text.rstrip("\n"))
        return
    for event in call.client.events(f"/deployments/{deployment}/log", follow=1):
        if event.name == "line":
            click.echo(event.data)


def _follow(call: Invocation, tail: int, replica: str | None) -> None:
    """Lines until Ctrl-C. A stream that ends is opened again: the replicas may just have been replaced."""
    lines, absences = tail, 0
    while absences < _ABSENCES:
        try:
            for event in call.client.events(call.app_path("/logs"), follow=1, tail=lines, replica=replica):
                absences = 0
                if event.name == "line":
                    click.echo(event.data)
            if replica:
                return
        except DependencyUnavailable:
            absences += 1
            if absences == _ABSENCES:
                raise
        lines = 0
        time.sleep(min(2.0, 0.5 * (absences + 1)))
