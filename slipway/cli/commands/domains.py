"""domains: the hosts that lead to an app."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.exit_codes import ApiProblem
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.output import ago, is_terminal, one_line
from slipway.errors import DomainNotProven

PROOF_S = 1800.0
"""DNS providers take minutes until all their servers know a record."""
ASK_S = 5.0


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
    shown = ("-", "-") if certificate is None else (_standing(certificate), one_line(certificate["next_step"], 120))
    host = f"{domain['name']} → {domain['redirect_to']}" if domain["redirect_to"] else domain["name"]
    return (host, domain["process"], ago(domain["created_at"]), domain["url"], *shown)


def _standing(certificate: Mapping[str, Any]) -> str:
    """`issued until 2026-02-03`, `waiting: dns-not-here`."""
    until = f" until {certificate['not_after'][:10]}" if certificate["not_after"] else ""
    reason = f": {certificate['reason']}" if certificate["reason"] else ""
    own = ", own" if certificate["source"] == "own" else ""
    return f"{certificate['state']}{own}{until}{reason}{' (alarm)' if certificate['alarm'] else ''}"


@domains.command()
@click.argument("host")
@click.option("--redirect-to", metavar="HOST", help="Send whoever asks for it to another host of the app.")
@click.option(
    "--wait/--no-wait", default=None, help="Wait for the record that shows whose the domain is (on a terminal: wait)."
)
@app_option
@command
def add(call: Invocation, host: str, redirect_to: str | None, wait: bool | None) -> None:
    """Lead a host to the app, or all names below one: '*.shop.example'. Point its DNS record at this server too."""
    body = {"host": host} | ({"redirect_to": redirect_to} if redirect_to else {})
    waits = wait if wait is not None else call.out.for_people and is_terminal()
    made = _added(call, body) if waits else call.client.post(call.app_path("/domains"), body)
    where = f"redirects to {made['redirect_to']}" if made["redirect_to"] else f"leads to {call.app}"
    call.answer(made, f"{made['name']} {where}. Its DNS record must point at this server.")


def _added(call: Invocation, body: Mapping[str, Any]) -> dict[str, Any]:
    """Add the host as soon as a record shows whose the domain is, where one has to.

    Raises:
        ApiProblem: it can't be added for another reason, or the record is not there in time.
    """
    until, said = time.monotonic() + PROOF_S, False
    while True:
        try:
            made: dict[str, Any] = call.client.post(call.app_path("/domains"), body)
        except ApiProblem as problem:
            if problem.document.get("code") != DomainNotProven.code or time.monotonic() > until:
                raise
            if not said:
                _show_record(call, problem)
                said = True
            time.sleep(ASK_S)
        else:
            return made


def _show_record(call: Invocation, problem: ApiProblem) -> None:
    record = problem.document["record"]
    assert isinstance(record, Mapping)  # noqa: S101
    call.out.line(f"{problem.message[:1].upper()}{problem.message[1:]}.")
    call.out.line("At the DNS provider, set:")
    for name in ("type", "name", "value"):
        call.out.line(f"  {name:<5}  {record[name]}")
    call.out.line("Waiting until it is there. Ctrl-C ends the waiting: add the host again later.")


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
