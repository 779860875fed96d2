"""domains: the hosts that lead to an app."""

from __future__ import annotations

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.output import ago


@noun(instead="slipway domains add {}")
@app_option
@command
def domains(call: Invocation) -> None:
    """The hosts that lead to the app."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/domains"))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [(each["host"], each["process"], ago(each["created_at"]), each["url"]) for each in listed["domains"]]
    call.out.table(("host", "process", "added", "url"), rows, empty=f"None: slipway domains add -a {call.app} HOST")


@domains.command()
@click.argument("host")
@app_option
@command
def add(call: Invocation, host: str) -> None:
    """Lead a host to the app. Point its DNS record at this server too."""
    made = call.client.post(call.app_path("/domains"), {"host": host})
    call.answer(made, f"{made['host']} leads to {call.app}. Its DNS record must point at this server.")


@domains.command()
@click.argument("host")
@app_option
@command
def remove(call: Invocation, host: str) -> None:
    """Take a host away from the app."""
    call.client.delete(call.app_path(f"/domains/{segment(host)}"))
    call.answer({"host": host}, f"{host} no longer leads to {call.app}.")
    if call.out.for_people and not call.client.get(call.app_path("/domains"))["domains"]:
        call.out.hint(f"It was the last one: no host leads to {call.app} now: slipway domains add -a {call.app} HOST")
