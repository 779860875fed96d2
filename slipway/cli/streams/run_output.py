"""What a run prints, followed to its end."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from slipway.cli.exit_codes import ApiProblem, Exit
from slipway.cli.invocation import Invocation
from slipway.cli.output import is_terminal, safe
from slipway.core.runs.states import ACTIVE, RunState, Stop
from slipway.core.text.rewritten_lines import as_seen
from slipway.errors import DependencyUnavailable, TooManyStreams

_ABSENCE_S = 60.0
"""The API may be unreachable for this long while a run is followed."""
_TIMED_OUT, _STOPPED = 124, 130
"""As timeout(1) and shells have it."""
Run = dict[str, Any]


def follow(call: Invocation, number: int, *, ctrl_c_stops: bool = True) -> Run:
    """Show what it prints until it has ended; returns how. Ctrl-C asks the platform to end it; a second one leaves."""
    following = _Following(call, number)
    stopping = not ctrl_c_stops
    while True:
        try:
            following.read()
        except KeyboardInterrupt:
            if stopping:
                raise
            stopping = True
            call.client.post(call.app_path(f"/runs/{number}/cancel"))
            call.out.hint(f"Run {number} is being stopped; Ctrl-C once more leaves it to itself.")
        if following.run is not None and RunState(following.run["state"]) not in ACTIVE:
            return following.run


class _Following:
    def __init__(self, call: Invocation, number: int) -> None:
        self._call = call
        self._path = call.app_path(f"/runs/{number}/output")
        self._after = ""
        self._absent_since: float | None = None
        self.run: Run | None = None

    def read(self) -> None:
        """One stream to its end: the server ends it after an hour, or when it is restarted."""
        try:
            for event in self._call.client.events(self._path, after=self._after, follow=1):
                self._absent_since = None
                if event.name == "run":
                    self.run = json.loads(event.data)
                elif event.name == "line":
                    self._after = event.id or self._after
                    show_line(self._call, event.data)
        except (DependencyUnavailable, ApiProblem) as error:
            self._wait(error)

    def _wait(self, error: DependencyUnavailable | ApiProblem) -> None:
        if isinstance(error, ApiProblem) and not (self._after and error.http_status == TooManyStreams.status):
            raise error
        self._absent_since = self._absent_since or time.monotonic()
        if time.monotonic() - self._absent_since > _ABSENCE_S:
            raise error
        time.sleep(0.5)


def to_the_end(call: Invocation, number: int) -> None:
    """Follow it, say how it ended unless it succeeded, and exit with its exit code."""
    ended = follow(call, number)
    if call.out.as_json:
        call.out.record(ended)
    elif why := how_it_ended(ended):
        call.out.hint(f"Run {number} {why}")
    sys.exit(exit_code_of(ended))


def say_begins(call: Invocation, run: Run) -> None:
    """Say that it begins, and where its output is."""
    number = run["id"]
    call.answer(run, f"Run {number} begins: slipway runs output {number} -a {call.app} --follow")


def show_lines(call: Invocation, text: str) -> None:
    for line in filter(None, text.split("\n")):
        show_line(call, line)


def show_line(call: Invocation, line: str) -> None:
    """`<time> <text>`: the text; to a program as it is, to a terminal without what moves its cursor."""
    printed_at, _, text = line.partition(" ")
    if call.out.as_json:
        call.out.record({"time": printed_at, "text": text})
    else:
        click.echo(safe(as_seen(text)) if is_terminal() else text)


def how_it_ended(run: Run) -> str:
    """For one that did not succeed: `failed: it ended: exit code 3`, and what to do; else empty."""
    if run["state"] == RunState.SUCCEEDED:
        return ""
    why = f"{run['state']}: {run['detail']}"
    return f"{why}\n{run['remedy']}" if run["remedy"] else why


def exit_code_of(run: Run) -> int:
    """The command's own; others where the platform ended it, or never began it."""
    if run["reason"] == Stop.TIMED_OUT:
        return _TIMED_OUT
    if run["state"] == RunState.CANCELLED:
        return _STOPPED
    if run["state"] == RunState.SUCCEEDED:
        return Exit.DONE
    return int(run["exit_code"] or Exit.FAILED)
