"""A deployment as it goes: a line a step, with times; on a terminal a spinner shows the step that runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

import click

from slipway.cli.exit_codes import Exit, WaitedTooLong
from slipway.cli.invocation import segment
from slipway.cli.output import Output, is_terminal
from slipway.cli.streams.transcript import (
    Deployment,
    Step,
    heading,
    is_over,
    notice_line,
    outcome,
    step_line,
    went_well,
)
from slipway.core.deployment.states import ENDED, State
from slipway.core.text.amounts import seconds
from slipway.errors import DependencyUnavailable, SlipwayError

if TYPE_CHECKING:
    from slipway.cli.client import Client

_ASK_S = 0.3
"""Asked again and again, because the number of streams that a server holds open is bounded."""
_TURN_S = 0.1
_ABSENCE_S = 60.0
"""How long the API may be unreachable, as when it restarts."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_WAITS = "waits for a worker"


class Address(TypedDict, total=False):
    """What `outcome` says of the app."""

    url: str
    stopped: bool


def watch(client: Client, out: Output, deployment: Deployment, *, timeout_s: float) -> Deployment:
    """Follow a deployment to its end, and return it as it is then. People see its steps and what came of it.

    Raises:
        WaitedTooLong: it has not ended in time; it goes on.
    """
    screen = Screen(out, spins=is_terminal() and out.for_people)
    last = deployment
    try:
        for last in _states(client, deployment, timeout_s, screen):
            screen.update(last)
            if last["state"] == State.LIVE and out.for_people and not screen.footer:
                screen.footer = outcome(last, **address(client, last))
            if last["state"] == State.FAILED:
                screen.footer = ""  # it was live, and gave way
    finally:
        screen.wipe()
    out.line(screen.footer or outcome(last))
    return last


def code_of(ended: Deployment) -> Exit:
    """Is the deployment live for good, or was it skipped because it is live already?"""
    return Exit.DONE if went_well(ended) else Exit.FAILED


def address(client: Client, deployment: Deployment) -> Address:
    """Where the app of a live deployment answers, and whether it is scaled to 0; empty when the API does not say."""
    if deployment["state"] != State.LIVE:
        return {}
    try:
        app = client.get(f"/apps/{segment(deployment['app'])}")
    except SlipwayError:
        return {}  # a deployment that went well is not made to fail by it
    return {"url": next(iter(app["urls"]), ""), "stopped": not app["replicas"]["wanted"]}


class Screen:
    """Prints the heading once the commit is known, and each step once it ended. On a terminal a spinner below shows the
    step that runs; the next line replaces it."""

    def __init__(self, out: Output, *, spins: bool) -> None:
        self._out = out
        self._spins = spins
        self._headed = False
        self._printed = 0
        self._noticed = 0
        self.footer = ""
        """Shown below the spinner: that the deployment is live, while the old replicas still drain."""
        self._shown = 0
        self._frame = 0
        self._now: Deployment | None = None

    def update(self, deployment: Deployment) -> None:
        """Show the deployment as it is now."""
        self._now = deployment
        steps = [step for step in deployment["steps"] if step["ended_at"]]
        if not self._headed and (steps or deployment["commit"] or State(deployment["state"]) in ENDED):
            self._headed = True
            self._line(heading(deployment))
        for step in steps[self._printed :]:
            self._line(step_line(step))
        self._printed = max(self._printed, len(steps))
        for notice in deployment["notices"][self._noticed :]:
            self._line(notice_line(notice))
        self._noticed = len(deployment["notices"])

    def turn(self) -> None:
        """The next picture of the step that runs."""
        if not self._spins or self._now is None:
            return
        self.wipe()
        self._frame += 1
        text = f"  {_SPINNER[self._frame % len(_SPINNER)]} {self._running_step(self._now)}"
        width = shutil.get_terminal_size().columns - 1
        lines = [line[:width] for line in (text, click.unstyle(self.footer)) if line]
        click.echo("\n".join(lines), nl=False)
        self._shown = len(lines)

    def wipe(self) -> None:
        """Wipe the spinner and its footer."""
        if self._shown:
            click.echo("\r\x1b[2K" + "\x1b[1A\x1b[2K" * (self._shown - 1), nl=False, color=True)
            self._shown = 0

    def _line(self, text: str) -> None:
        self.wipe()
        self._out.line(text)

    @staticmethod
    def _running_step(deployment: Deployment) -> str:
        running: list[Step] = [step for step in deployment["steps"] if not step["ended_at"]]
        if not running:
            word = deployment["state"]
            return f"{word:<10}" + (f"           {_WAITS}" if word == State.QUEUED else "")
        step = running[-1]
        passed = (datetime.now(UTC) - datetime.fromisoformat(step["started_at"])).total_seconds()
        return f"{step['name']:<10}{seconds(max(0.0, passed)):>8}   {step['note']}"


def _states(client: Client, deployment: Deployment, timeout_s: float, screen: Screen) -> Iterator[Deployment]:
    """The deployment now and again, until nothing more happens to it. A short absence of the API is waited out."""
    until = time.monotonic() + timeout_s
    absent_since: float | None = None
    yield deployment
    while not is_over(deployment):
        if time.monotonic() > until:
            raise WaitedTooLong(
                f"Deployment {deployment['id']} is still {deployment['state']} after {timeout_s:g} s; it goes on.",
                remedy=f"slipway deployments show {deployment['id']} --watch",
            )
        _pause(screen)
        try:
            deployment = client.get(f"/deployments/{deployment['id']}")
            absent_since = None
        except (DependencyUnavailable, WaitedTooLong):
            absent_since = absent_since or time.monotonic()
            if time.monotonic() - absent_since > _ABSENCE_S:
                raise
        yield deployment


def _pause(screen: Screen) -> None:
    """Wait before the API is asked again."""
    until = time.monotonic() + _ASK_S
    while time.monotonic() < until:
        screen.turn()
        time.sleep(_TURN_S)
