"""run: a command, once, in a container of its own."""

from __future__ import annotations

from math import ceil

import click

from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.numbers import Seconds
from slipway.cli.streams.run_output import say_begins, to_the_end

_WORDS = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.command("run", context_settings=_WORDS)
@app_option
@click.option("--process", metavar="NAME", help="Give it the volumes of this process; else of web.")
@click.option(
    "--timeout", type=Seconds(), metavar="SECONDS", help="How long it may take; else as long as the host says."
)
@click.option("--detach", is_flag=True, help="Begin it, and do not wait for its end.")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
@command
def run_command(
    call: Invocation, words: tuple[str, ...], process: str | None, timeout: float | None, detach: bool
) -> None:
    """Run a command once, beside the replicas.

    In a container of the live release, with its variables, limits and network. What it prints is shown as it comes, and
    its exit code is the command's own; 124 when it took too long, 130 when it was stopped. Ctrl-C ends it. No shell
    reads the words: sh -c 'one && two' where one is needed.
    """
    wanted = {"command": list(words), "process": process, "timeout_s": None if timeout is None else ceil(timeout)}
    run = call.client.post(call.app_path("/runs"), {name: value for name, value in wanted.items() if value is not None})
    if detach:
        say_begins(call, run)
    else:
        to_the_end(call, run["id"])
