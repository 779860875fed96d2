"""logs: what the app's replicas and builds print."""

from __future__ import annotations

import time
from contextlib import suppress

import click

from slipway.cli.commands.ps import none_runs, replicas_of
from slipway.cli.exit_codes import ApiProblem
from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.numbers import DEPLOYMENT
from slipway.cli.output import echo
from slipway.cli.streams import build_log
from slipway.cli.streams.replica_output import Labels, Line, Unseen, parse_event, parse_notice, parse_text
from slipway.errors import DependencyUnavailable, TooManyStreams

_ABSENCE_S = 60.0
"""The API may be unreachable for this long while lines are followed."""


@click.command()
@app_option
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come.")
@click.option(
    "-n",
    "--tail",
    type=click.IntRange(0, 10000),
    metavar="LINES",
    default=100,
    show_default=True,
    help="How many of each replica to begin with.",
)
@click.option("--replica", metavar="ID", help="Only this one; also one that ended.")
@click.option(
    "--deployment", type=DEPLOYMENT, metavar="N", help="What this deployment's build and replicas printed instead."
)
@command
def logs(call: Invocation, follow: bool, tail: int, replica: str | None, deployment: int | None) -> None:
    """What the app prints."""
    if deployment is not None and follow:
        build_log.show(call, deployment, follow=True)
    elif deployment is not None:
        build_log.show_with_replicas(call, deployment)
    elif follow:
        with suppress(KeyboardInterrupt):  # the way to end it, and no failure
            _follow(call, tail, replica)
    else:
        _so_far(call, tail, replica)


def _so_far(call: Invocation, tail: int, replica: str | None) -> None:
    lines = parse_text(call.client.text(call.app_path("/logs"), tail=tail, replica=replica))
    if call.out.as_json:
        call.out.document({"lines": [line.document() for line in lines]})
        return
    labels = _labels(call)
    for line in lines:
        call.out.line(labels.line(line))
    if not lines and replica:
        call.out.hint(f"{replica} printed nothing.")
    elif not lines:
        call.out.hint(_nothing_printed(call))


def _follow(call: Invocation, tail: int, replica: str | None) -> None:
    """Lines until Ctrl-C. A stream that ends is opened again: the server may just have been restarted."""
    labels, unseen = _labels(call), Unseen()
    after, absent_since = "", None
    if not replica and call.out.for_people and not replicas_of(call):
        call.out.hint(f"{none_runs(call)}\nWaiting for one that does; Ctrl-C ends it.")
    while True:
        try:
            for event in call.client.events(call.app_path("/logs"), after=after, follow=1, tail=tail, replica=replica):
                absent_since, after = None, event.id or after
                if event.name == "end":
                    return
                if event.name == "line":
                    _show(call, labels, unseen, parse_event(event.data))
                if event.name == "notice":
                    _show_notice(call, labels, *parse_notice(event.data))
            absent_since = absent_since or time.monotonic()
        except (DependencyUnavailable, ApiProblem) as error:
            if isinstance(error, ApiProblem) and not (after and error.http_status == TooManyStreams.status):
                raise  # the server may not have seen yet that the stream before this one is gone
            absent_since = absent_since or time.monotonic()
            if time.monotonic() - absent_since > _ABSENCE_S:
                raise
        time.sleep(0.5)


def _nothing_printed(call: Invocation) -> str:
    if replicas_of(call):
        return f"Nothing was printed yet. Replicas that run: slipway ps -a {call.app}"
    return none_runs(call)


def _show(call: Invocation, labels: Labels, unseen: Unseen, line: Line) -> None:
    if not unseen.take(line):
        return
    if call.out.as_json:
        call.out.record(line.document())
    else:
        echo(labels.line(line))


def _show_notice(call: Invocation, labels: Labels, replica: str, text: str) -> None:
    """Say that lines are missing here: people read it on standard error, machines among the lines."""
    if call.out.as_json:
        call.out.record({"replica": replica, "notice": text})
    else:
        call.out.hint(f"{labels.of(replica)}: {text}")


def _labels(call: Invocation) -> Labels:
    return Labels(lambda: replicas_of(call, ended_too=True))
