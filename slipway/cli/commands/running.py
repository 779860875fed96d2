"""ps, logs and status: the app's replicas and what they print; the platform's own services."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import click

from slipway.cli.exit_codes import ApiProblem, Exit
from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.output import ago, echo, state
from slipway.cli.streams import build_log
from slipway.cli.streams.replica_output import Labels, Line, Unseen, how_it_ended, parse_event, parse_notice, parse_text
from slipway.core.text.counting import plural
from slipway.errors import DependencyUnavailable, TooManyStreams

_ABSENCE_S = 60.0
"""How long the API may be unreachable while lines are followed."""


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
    headings = ("process", "state", "release", "started", "restarts", "last end", "replica")
    call.out.table(headings, rows, empty="" if rows else _none_runs(call))


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
@click.option("--deployment", type=int, metavar="N", help="What this deployment's build and replicas printed instead.")
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


@click.command()
@command
def status(call: Invocation) -> None:
    """The platform's own services, and whether they answer."""
    found = call.client.get("/services/system")
    if call.out.as_json:
        call.out.document(found)
    else:
        rows = [(name, _health(found[name]["ok"]), found[name]["detail"]) for name in ("database", "redis", "agent")]
        rows += [(edge["id"], _health(edge["ok"]), _edge(edge, found["generation"])) for edge in found["edges"]]
        waiting = f"{plural(found['queue_length'], 'job')} waiting"
        rows.append(("workers", _health(found["workers"] > 0), f"{found['workers']} at work, {waiting}"))
        call.out.table(("service", "state", "what"), rows, empty="")
    if found["status"] != "ok":
        raise SystemExit(int(Exit.FAILED))


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
    if not replica and call.out.for_people and not _replicas(call):
        call.out.hint(f"{_none_runs(call)}\nWaiting for one that does; Ctrl-C ends it.")
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
    if _replicas(call):
        return f"Nothing was printed yet. Replicas that run: slipway ps -a {call.app}"
    return _none_runs(call)


def _none_runs(call: Invocation) -> str:
    """Why no replica runs, what to do, and where the output is of those that ran."""
    app = call.client.get(call.app_path())
    if app["live"] is None:
        why = (
            f"{call.app} is not live yet: slipway deployments -a {call.app}, or deploy it: slipway deploy -a {call.app}"
        )
    elif app["replicas"]["wanted"] == 0:
        why = f"No replica runs: {call.app} is scaled to 0. Start it: slipway scale 1 -a {call.app}"
    else:
        why = f"No replica runs. What became of them: slipway ps --all -a {call.app}"
    ran = [each for each in _replicas(call, ended_too=True) if each["started_at"]]
    if not ran:
        return why
    last = ran[0]
    said = f"What {last['process']}.{last['slot']} v{last['release']} printed last is kept: slipway logs -a {call.app}"
    return f"{why}\n{said} --replica {last['id']}\nOthers that ended lately: slipway ps --all -a {call.app}"


def _replicas(call: Invocation, *, ended_too: bool = False) -> list[dict[str, Any]]:
    listed = call.client.get(call.app_path("/replicas"), all=1 if ended_too else None)
    return list(listed["replicas"])


def _show(call: Invocation, labels: Labels, unseen: Unseen, line: Line) -> None:
    if not unseen.take(line):
        return
    if call.out.as_json:
        call.out.record(line.document())
    else:
        echo(labels.line(line))


def _show_notice(call: Invocation, labels: Labels, replica: str, text: str) -> None:
    """That lines are missing here: for people beside the lines, for machines among them."""
    if call.out.as_json:
        call.out.record({"replica": replica, "notice": text})
    else:
        call.out.hint(f"{labels.of(replica)}: {text}")


def _labels(call: Invocation) -> Labels:
    return Labels(lambda: _replicas(call, ended_too=True))


def _health(ok: bool) -> str:
    return state("ok" if ok else "absent")


def _edge(edge: dict[str, Any], newest: int) -> str:
    shown = f"generation {edge['generation']} of {newest}"
    return f"{shown}, confirmed {ago(edge['confirmed_at'])}" if edge["confirmed_at"] else shown
