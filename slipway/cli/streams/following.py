"""`--watch`: what every command that makes a deployment has in common."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import click

from slipway.cli.exit_codes import Exit
from slipway.cli.invocation import Invocation
from slipway.cli.numbers import Seconds
from slipway.cli.output import is_terminal
from slipway.cli.streams.transcript import Deployment
from slipway.cli.streams.watching import code_of, watch

timeout_option = click.option(
    "--timeout",
    type=Seconds(),
    default=1800.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to watch.",
)
GoOn = Callable[[Deployment], Deployment | None]
_watch_option = click.option(
    "--watch/--no-watch", default=None, help="Follow it to its end; on a terminal the default."
)


def watch_options(function: Callable[..., None]) -> Callable[..., None]:
    """`--watch/--no-watch` and `--timeout`."""
    return _watch_option(timeout_option(function))


def is_wanted(given: bool | None) -> bool:
    """Whether to follow: as asked for, else on a terminal."""
    return is_terminal() if given is None else given


def follow(
    call: Invocation,
    deployment: Deployment,
    wanted: bool | None,
    timeout_s: float,
    *,
    what: str = "",
    go_on: GoOn = lambda _ended: None,
) -> None:
    """Follow it to its end, which is the exit code; or say that it is under way, and `what` it does. `go_on` gives what
    to follow after one that ended without what was asked for; its end counts then."""
    number = deployment["id"]
    if not is_wanted(wanted):
        sentence = f"Deployment {number} {what}is {deployment['state']}: slipway deployments show {number} --watch"
        call.answer(deployment, sentence)
        return
    _to_the_end(call, deployment, timeout_s, lambda ended: ended, go_on)


def follow_change(call: Invocation, changed: dict[str, Any], done: str, wanted: bool | None, timeout_s: float) -> None:
    """The same for a change: `changed` holds the deployment that came of it, if any did; `done` says what was done."""
    deployment = changed["deployment"]
    if deployment is None:
        call.answer(changed, f"{done} In force with the next deployment: slipway deploy -a {call.app}")
    elif not is_wanted(wanted):
        number = deployment["id"]
        call.answer(changed, f"{done} Restarting without downtime: slipway deployments show {number} --watch")
    else:
        call.out.line(f"{done} Restarting without downtime:")
        _to_the_end(call, deployment, timeout_s, lambda ended: changed | {"deployment": ended})


def _to_the_end(
    call: Invocation,
    deployment: Deployment,
    timeout_s: float,
    document: Callable[[Deployment], dict[str, Any]],
    go_on: GoOn = lambda _ended: None,
) -> None:
    until, following = time.monotonic() + timeout_s, deployment
    try:
        ended = watch(call.client, call.out, following, timeout_s=timeout_s)
        while after := go_on(ended):
            following = after
            ended = watch(call.client, call.out, following, timeout_s=max(0.0, until - time.monotonic()))
    except KeyboardInterrupt:
        number = following["id"]
        call.out.hint(f"Deployment {number} goes on: slipway deployments show {number} --watch")
        sys.exit(Exit.FAILED)
    if call.out.as_json:
        call.out.document(document(ended))
    sys.exit(code_of(ended))
