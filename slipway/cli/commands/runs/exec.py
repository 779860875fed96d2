"""exec: a program in a replica that runs."""

from __future__ import annotations

import json
import os
import sys

import click

from slipway.cli.commands.ps import none_runs, replicas_of
from slipway.cli.exit_codes import Exit, WrongUsage
from slipway.cli.invocation import Invocation, app_option, command, segment
from slipway.errors import NotFound

_WORDS = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.command("exec", context_settings=_WORDS)
@app_option
@click.option("--replica", metavar="ID", help="In which; else in the first of web that is ready.")
@click.option("-t", "--tty", is_flag=True, help="In a terminal: for shells and whatever asks.")
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]", type=click.UNPROCESSED)
@command
def exec_command(call: Invocation, words: tuple[str, ...], replica: str | None, tty: bool) -> None:
    """Run a program in a replica that runs.

    With the replica's variables and files, within its limits, and with this command's input and outputs; without a
    COMMAND a shell in a terminal. Its exit code is the program's own. It ends with the connection, and with the
    replica. Who ran what where is in the audit log.
    """
    from slipway.cli.streams.terminal import Terminal, size_of_this

    tty = tty or not words
    if tty and not os.isatty(0):
        raise WrongUsage(
            "The input is no terminal.", remedy="leave out -t, and name a command: slipway exec -- COMMAND"
        )
    size = size_of_this() if tty else None
    sides = {"columns": size.columns, "rows": size.rows} if size else {}
    found = replica or _first(call)
    path = call.app_path(f"/replicas/{segment(found)}/terminal")
    with call.client.upgraded(path, command=json.dumps(list(words) or ["sh"]), **sides) as stream:
        end = Terminal(stream, is_terminal=tty).run()
    if end.detail:
        call.out.hint(f"It ended: {end.detail}.")
    sys.exit(Exit.FAILED if end.exit_code is None else end.exit_code)


def _first(call: Invocation) -> str:
    """The first replica of `web` that is ready; of another process where `web` has none."""
    ready = [each for each in replicas_of(call) if each["state"] == "ready"]
    if not ready:
        raise NotFound(none_runs(call))
    return str(min(ready, key=lambda each: (each["process"] != "web", each["process"], each["slot"]))["id"])
