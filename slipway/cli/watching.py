"""A deployment as it goes: a line a step, with times; on a terminal the running step turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from slipway.cli.client import Client
from slipway.cli.exits import Exit, WaitedTooLong
from slipway.cli.output import Output, ago, is_terminal, seconds, state
from slipway.core.states import ENDED, State
from slipway.errors import DependencyUnavailable

Deployment = dict[str, Any]
_ANSWERED_AGAIN_S = 30.0
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def heading(deployment: Deployment) -> str:
    """`shop  9f3c1e2 "Fix the cart total"   pushed 12 s ago by …`."""
    parts = [click.style(deployment["app"], bold=True), deployment["commit"][:7] or deployment["ref"]]
    first_line = deployment["message"].partition("\n")[0]
    if first_line:
        parts.append(f'"{first_line}"')
    by = deployment["pushed_by"] or deployment["actor"]
    return "  ".join(parts) + f"   {deployment['kind']} {ago(deployment['created_at'])} by {by}"


def step_line(step: dict[str, Any]) -> str:
    mark = {True: click.style("✔", fg="green"), False: click.style("✘", fg="red"), None: "…"}[step["ok"]]
    return f"  {mark} {step['name']:<10} {seconds(step['seconds']):>8}   {step['note']}".rstrip()


def outcome(deployment: Deployment) -> str:
    """What came of it, what it means, and what to do next."""
    ended = State(deployment["state"])
    if ended in (State.LIVE, State.RETIRED):
        return _success(deployment)
    lines = []
    if deployment["tail"]:
        lines += ["", *(f"  {line}" for line in deployment["tail"].splitlines()), ""]
    lines.append(deployment["detail"] or f"{ended}")
    serving = deployment["serving"]
    if serving and serving["id"] != deployment["id"] and "serves on" not in deployment["detail"]:
        lines.append(f"{serving['commit'][:7]} (deployment {serving['id']}) serves on.")
    if deployment["remedy"]:
        lines += ["What to do:", *(f"  {line}" for line in deployment["remedy"].splitlines())]
    word = "Error" if ended is State.FAILED else "Ended"
    lines.append(f"{word} {deployment['reason'] or ended} · deployment {deployment['id']}")
    return "\n".join(lines)


def show(out: Output, deployment: Deployment) -> None:
    """All of a deployment, as `watch` leaves it on the screen."""
    out.line(heading(deployment))
    for step in deployment["steps"]:
        out.line(step_line(step))
    if State(deployment["state"]) in ENDED:
        out.line(outcome(deployment))
    else:
        out.line(state(deployment["state"]))


def watch(client: Client, out: Output, deployment: Deployment, *, timeout_s: float) -> Exit:
    """Follow a deployment to its end, which is the exit code.

    Raises:
        WaitedTooLong: it has not ended in time; it goes on.
    """
    out.line(heading(deployment))
    screen = _Screen(out)
    last = deployment
    for last in _states(client, deployment, timeout_s):
        screen.update(last)
    screen.close()
    if out.as_json:
        out.document(last)
    else:
        out.line(outcome(last))
    return Exit.DONE if last["state"] in (State.LIVE, State.RETIRED) else Exit.FAILED


class _Screen:
    """Prints each step once it ended. On a terminal the step at hand is shown below, and replaced."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._printed = 0
        self._turns = is_terminal() and out.for_people
        self._shown = False
        self._frame = 0

    def update(self, deployment: Deployment) -> None:
        ended = [step for step in deployment["steps"] if step["ended_at"]]
        for step in ended[self._printed :]:
            self._wipe()
            self._out.line(step_line(step))
        self._printed = len(ended)
        running = [step for step in deployment["steps"] if not step["ended_at"]]
        if running and self._turns:
            self._wipe()
            self._frame += 1
            turning = _SPINNER[self._frame % len(_SPINNER)]
            click.echo(f"  {turning} {running[-1]['name']:<10} {running[-1]['note']}", nl=False)
            self._shown = True

    def close(self) -> None:
        self._wipe()

    def _wipe(self) -> None:
        if self._shown:
            click.echo("\r\x1b[2K", nl=False)
            self._shown = False


def _states(client: Client, deployment: Deployment, timeout_s: float) -> Iterator[Deployment]:
    """The deployment at each change, until nothing more happens to it. A short absence of the API is waited out."""
    until = time.monotonic() + timeout_s
    silent_since: float | None = None
    yield deployment
    while not _is_over(deployment):
        if time.monotonic() > until:
            raise WaitedTooLong(
                f"Deployment {deployment['id']} is still {deployment['state']} after {timeout_s:.0f} s; it goes on.",
                remedy=f"slipway deployments show {deployment['id']} --watch",
            )
        try:
            deployment = client.get(f"/deployments/{deployment['id']}")
            silent_since = None
        except DependencyUnavailable:
            silent_since = silent_since or time.monotonic()
            if time.monotonic() - silent_since > _ANSWERED_AGAIN_S:
                raise
        yield deployment
        time.sleep(0.2)


def _is_over(deployment: Deployment) -> bool:
    if State(deployment["state"]) not in ENDED:
        return False
    return deployment["state"] != State.LIVE or all(step["ended_at"] for step in deployment["steps"])


def _success(deployment: Deployment) -> str:
    version = f"v{deployment['release']['number']}" if deployment["release"] else ""
    line = f"{state(deployment['state'])}  {version}"
    if deployment["live_at"]:
        line += f"  {_between(deployment['created_at'], deployment['live_at'])} from {deployment['kind']}"
    previous = deployment["previous"]
    return f"{line}   previous: {previous['commit'][:7]} (slipway rollback)" if previous else line


def _between(begun: str, ended: str) -> str:
    return seconds((datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())
