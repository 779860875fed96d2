"""services backup, backups, restore, download: what a service has, kept beside it."""

from __future__ import annotations

import sys
import time
from typing import IO, Any

import click

from slipway.cli.commands.attached.services import service_path
from slipway.cli.exit_codes import Exit, WaitedTooLong, WrongUsage
from slipway.cli.invocation import Invocation, command
from slipway.cli.numbers import BACKUP, Seconds
from slipway.cli.output import ago, one_line
from slipway.core.attached.tasks import UNFINISHED, TaskState
from slipway.core.text.amounts import size

_LOOK_S = 1.0
_name = click.argument("name")
_number = click.argument("number", type=BACKUP)
_wait = click.option("--wait/--no-wait", default=True, help="Wait for its end, which is the exit code.")
_timeout = click.option(
    "--timeout", type=Seconds(), default=3600.0, show_default=True, metavar="SECONDS", help="How long to wait."
)


@click.command()
@_name
@_wait
@_timeout
@command
def backup(call: Invocation, name: str, wait: bool, timeout: float) -> None:
    """Back a service up now, while it runs."""
    task = call.client.post(service_path(name, "/backups"))
    _end(call, name, task, "Backup {id} of {name} is made: {size}.", wait=wait, timeout=timeout)


@click.command()
@_name
@command
def backups(call: Invocation, name: str) -> None:
    """The backups that there are of a service, newest first."""
    listed = call.client.get(service_path(name, "/backups"))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (str(each["id"]), ago(each["ended_at"]), f"{size(each['size_bytes']):>8}", one_line(each["actor"], 30))
        for each in listed["backups"]
    ]
    call.out.table(("backup", "made", "size", "by"), rows, empty=f"None yet: slipway services backup {name}")


@click.command()
@_name
@_number
@click.option("--confirm", metavar="NAME", help="The service's name, to say that you mean it.")
@_wait
@_timeout
@command
def restore(call: Invocation, name: str, number: int, confirm: str | None, wait: bool, timeout: float) -> None:
    """Put a backup in the place of a service's data, while it runs."""
    if confirm is None and sys.stdin.isatty():
        call.out.hint(f"What was written to {name} since backup {number} will be lost, for good.")
        confirm = click.prompt("Type its name to go on", err=True)
    if confirm != name:
        raise WrongUsage(f"Nothing was restored: say that you mean it by --confirm {name}.")
    path = service_path(name, f"/backups/{number}/restore")
    task = call.client.post(path, X_Slipway_Confirm=confirm)
    _end(call, name, task, "{name} has what backup {backup} has.", wait=wait, timeout=timeout)


@click.command()
@_name
@_number
@click.option("-o", "--output", type=click.File("wb", lazy=True), default="-", help="A file.")
@command
def download(call: Invocation, name: str, number: int, output: IO[bytes]) -> None:
    """What is in a backup, as the service's own program wrote it."""
    if output.isatty():
        raise WrongUsage("A backup is no text: give it a file with -o FILE.")
    for piece in call.client.binary(service_path(name, f"/backups/{number}/content")):
        output.write(piece)


def _end(call: Invocation, name: str, task: dict[str, Any], done: str, *, wait: bool, timeout: float) -> None:
    """Wait for the task's end, and say how it ended."""
    if not wait:
        call.answer(task, f"It begins: slipway services backups {name}")
        return
    until = time.monotonic() + timeout
    while TaskState(task["state"]) in UNFINISHED:
        if time.monotonic() > until:
            raise WaitedTooLong(f"{name}: it goes on after {timeout:g} s.", remedy=f"slipway services show {name}")
        time.sleep(_LOOK_S)
        task = call.client.get(service_path(name, f"/tasks/{task['id']}"))
    if task["state"] == TaskState.FAILED:
        call.answer(task, f"It failed: {task['detail']}")
        if task["remedy"]:
            call.out.hint(task["remedy"])
        sys.exit(Exit.FAILED)
    call.answer(task, done.format(name=name, size=size(task["size_bytes"]), **{k: task[k] for k in ("id", "backup")}))


COMMANDS = (backup, backups, restore, download)
"""Verbs of `slipway services`."""
