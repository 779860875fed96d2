"""domains: the hosts that lead to an app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.output import ago, one_line


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
    rows = [_row(each) for each in listed["domains"]]
    headings = ("host", "process", "added", "url", "certificate", "next step")
    call.out.table(headings, rows, empty=f"None: slipway domains add -a {call.app} HOST")


def _row(domain: Mapping[str, Any]) -> tuple[str, ...]:
    certificate = domain["certificate"]
    shown = ("-", "-") if certificate is None else (_standing(certificate), one_line(certificate["next_step"]))
    return (domain["host"], domain["process"], ago(domain["created_at"]), domain["url"], *shown)


def _standing(certificate: Mapping[str, Any]) -> str:
    """`issued until 2026-02-03`, `waiting: dns-not-here`."""
    until = f" until {certificate['not_after'][:10]}" if certificate["not_after"] else ""
    reason = f": {certificate['reason']}" if certificate["reason"] else ""
    return f"{certificate['state']}{until}{reason}"


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
def check(call: Invocation, host: str) -> None:
    """See what keeps a host from getting its certificate, and try again where nothing does."""
    found = call.client.post(call.app_path(f"/domains/{segment(host)}/check"))
    if call.out.as_json:
        call.out.document(found)
        return
    call.out.line(f"{found['host']}: {'nothing is in the way' if found['ok'] else found['detail']}")
    for what, records in (("set", found["set_records"]), ("remove", found["remove_records"])):
        for record in records:
            call.out.line(f"  {what:<6}  {record['type']:<5}  {record['name']}  {record['value']}")
    if not found["ok"]:
        call.out.line(f"→ {found['remedy']}")
    elif found["certificate"]:
        call.out.line(f"Certificate: {_standing(found['certificate'])}; {found['certificate']['next_step']}")


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
