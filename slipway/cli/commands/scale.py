"""scale: how many replicas run, and the wait until they do."""

from __future__ import annotations

import sys
import time

import click

from slipway.cli.exit_codes import Exit, WaitedTooLong
from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.numbers import Number
from slipway.cli.streams.following import is_wanted, watch_options
from slipway.core.app_settings.configuration import WEB
from slipway.core.text.counting import plural, ready_of

_ASK_S = 0.3


@click.command()
@click.argument("replicas", type=Number("a number of replicas", instead="slipway scale 2"))
@app_option
@click.option("--process", metavar="NAME", default="web", show_default=True, help="Which of the app's processes.")
@watch_options
@command
def scale(call: Invocation, replicas: int, process: str, watch: bool | None, timeout: float) -> None:
    """Run a number of replicas; 0 stops the app."""
    set_to = call.client.put(call.app_path("/scale"), {"process": process, "replicas": replicas})
    wanted = f"{call.app} {process}: {plural(replicas, 'replica') + ' wanted' if replicas else 'scaled to 0'}."
    if call.client.get(call.app_path())["live"] is None:
        call.answer(set_to, f"{wanted} In force with the first deployment: slipway deploy -a {call.app}")
    elif is_wanted(watch):
        _wait(call, process, replicas, timeout)
        call.answer(set_to, f"{call.app} {process}: {_ready_of(replicas)}.")
    elif replicas == 0:
        call.answer(set_to, f"{wanted} Start it again: slipway scale 1 -a {call.app}{_of(process)}")
    else:
        call.answer(set_to, f"{wanted} See them: slipway ps -a {call.app}")


def _ready_of(replicas: int) -> str:
    return f"{replicas} of {plural(replicas, 'replica')} ready" if replicas else "scaled to 0, no replica runs"


def _of(process: str) -> str:
    return "" if process == WEB else f" --process {process}"


def _wait(call: Invocation, process: str, wanted: int, timeout_s: float) -> None:
    """Wait until as many are ready, and print a line whenever that number changes.

    Raises:
        WaitedTooLong: they are not ready in time; the agent goes on starting them.
    """
    until, reported = time.monotonic() + timeout_s, -1
    try:
        while (ready := _ready(call, process)) != wanted:
            if ready != reported:
                call.out.line(f"  {ready_of(ready, wanted)}")
                reported = ready
            if time.monotonic() > until:
                raise WaitedTooLong(
                    f"{call.app} {process}: {ready_of(ready, wanted)} after {timeout_s:g} s.",
                    remedy=f"see why: slipway ps --all -a {call.app}, slipway logs -a {call.app}",
                )
            time.sleep(_ASK_S)
    except KeyboardInterrupt:
        call.out.hint(f"{plural(wanted, 'replica')} stay wanted: slipway ps -a {call.app}")
        sys.exit(Exit.FAILED)


def _ready(call: Invocation, process: str) -> int:
    """How many replicas of the live release are ready: during a rollout those of another one are ready, too."""
    live = call.client.get(call.app_path())["live"]
    release = live["release"]["number"] if live and live["release"] else None
    listed = call.client.get(call.app_path("/replicas"))["replicas"]
    return sum((each["process"], each["state"], each["release"]) == (process, "ready", release) for each in listed)
