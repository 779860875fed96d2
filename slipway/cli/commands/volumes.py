"""volumes: the data that apps keep, and the end of it."""

from __future__ import annotations

import sys
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.completion import complete_app
from slipway.cli.exit_codes import WrongUsage
from slipway.cli.invocation import Invocation, command, listing, segment
from slipway.cli.output import ago, state
from slipway.core.text.amounts import size
from slipway.core.text.counting import plural
from slipway.errors import NotFound


@noun(instead="slipway volumes remove {}")
@click.option("-a", "--app", metavar="APP", shell_complete=complete_app, help="Only this app's.")
@command
def volumes(call: Invocation) -> None:
    """Where apps keep data, those of deleted apps too."""
    if not listing():
        return
    listed = call.client.get("/volumes", app=call.app_given)
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [_row(each) for each in listed["volumes"]]
    headings = ("volume", "app", "environment", "path", "size", "state", "last used")
    call.out.table(headings, rows, empty="No volume: an image's VOLUME makes one, or [[volumes]] in slipway.toml")


@volumes.command()
@click.argument("volume")
@click.option("--confirm", metavar="VOLUME", help="The volume's name, to say that you mean it.")
@command
def remove(call: Invocation, volume: str, confirm: str | None) -> None:
    """Remove a volume with all its data, for good. No replica may have it."""
    if confirm != volume and volume not in {each["id"] for each in call.client.get("/volumes")["volumes"]}:
        raise NotFound(f"There is no volume {volume!r} here.", remedy="slipway volumes")
    if confirm is None and sys.stdin.isatty():
        call.out.hint(f"All data in {volume} will be lost, for good.")
        confirm = click.prompt("Type its name to go on", err=True)
    if confirm != volume:
        raise WrongUsage(f"Nothing was removed: say that you mean it by --confirm {volume}.")
    removed = call.client.delete(f"/volumes/{segment(volume)}", headers={"X-Slipway-Confirm": confirm})
    call.answer(removed, f"{volume} is being removed.")


def _row(volume: dict[str, Any]) -> tuple[str, ...]:
    users = len(volume["used_by"])
    used = state(volume["state"]) + (f" by {plural(users, 'replica')}" if users else "")
    return (
        volume["id"],
        volume["app"],
        volume["environment"],
        volume["path"],
        f"{size(volume['size_bytes']):>8}",
        used,
        ago(volume["used_at"]),
    )
