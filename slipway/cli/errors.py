"""How a command that did not succeed ends: the sentence on standard error, and the exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

import click

from slipway import settings
from slipway.cli.exit_codes import Exit, WrongUsage, exit_code
from slipway.cli.output import echo
from slipway.errors import SlipwayError


class Fault(SlipwayError):
    """A mistake in the command itself."""

    code = "fault"


def ended_by_error(error: SlipwayError, *, as_json: bool) -> Exit:
    """What happened, what it means, what to do next."""
    if as_json:
        click.echo(json.dumps(error.problem(), ensure_ascii=False), err=True)
    else:
        echo(click.style("✘ ", fg="red") + error.message, err=True)
        for line in error.remedy.splitlines():
            echo(f"  {line}", err=True)
    return exit_code(error)


def ended_by_usage(error: click.ClickException, *, as_json: bool) -> Exit:
    """Wrong options or arguments; click says which."""
    if as_json:
        ended_by_error(WrongUsage(error.format_message()), as_json=True)
    else:
        error.show()
    return Exit.USAGE if isinstance(error, click.UsageError) else Exit.FAILED


def ended_unread() -> Exit:
    """The reader of the output, such as `head`, closed its pipe: that is no failure."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # Python writes what is still buffered there when it ends
    os.close(nowhere)
    return Exit.DONE


def ended_by_fault(error: Exception, *, as_json: bool) -> Exit:
    """Write the traceback to a file, and name that file."""
    kept = _keep("".join(traceback.format_exception(error)))
    message = f"slipway came upon a fault of its own ({type(error).__name__}). It may have stopped half way."
    return ended_by_error(Fault(message, remedy=f"report it with this file: {kept}" if kept else ""), as_json=as_json)


def _keep(text: str) -> Path | None:
    path = Path(settings.client()["config_dir"]) / "fault.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
    except OSError:
        click.echo(text, err=True)  # no file can be written: show the traceback instead
        return None
    return path
