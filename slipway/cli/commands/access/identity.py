"""identity: who signs people in, held to what Slipway needs."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli import this_host
from slipway.cli.click_groups import Noun
from slipway.cli.exit_codes import Exit
from slipway.cli.invocation import Invocation, command
from slipway.core.text.counting import plural


@click.group(cls=Noun)
@click.pass_context
def identity(context: click.Context) -> None:
    """Keycloak, which signs people in."""
    if not context.invoked_subcommand:
        click.echo(context.get_help())


@identity.command()
@click.option("--dry-run", is_flag=True, help="Only show what differs.")
@command
def sync(call: Invocation, dry_run: bool) -> None:
    """Set up Keycloak's realm, or repair what differs. As root on Slipway's host it needs no login."""
    if this_host.may_act_here():
        found = this_host.sync_identity(dry_run=dry_run)
    else:
        found = call.client.post("/identity/sync", {"dry_run": dry_run})
    if call.out.as_json:
        call.out.document(found)
    else:
        _show(call, found["differences"], dry_run=dry_run)
    if any(not each["repairable"] for each in found["differences"]):
        raise SystemExit(int(Exit.FAILED))


def _show(call: Invocation, differences: list[dict[str, Any]], *, dry_run: bool) -> None:
    repairable = [each for each in differences if each["repairable"]]
    for each in differences:
        call.out.line(f"  {each['detail']}" if each["repairable"] else f"▲ {each['detail']}")
    if not differences:
        call.out.line("Keycloak is as Slipway needs it.")
    elif dry_run:
        call.out.line(f"{plural(len(repairable), 'thing')} would be repaired: slipway identity sync")
    else:
        call.out.line(f"Keycloak: {plural(len(repairable), 'thing')} repaired.")
