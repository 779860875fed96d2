"""tokens: who may call the API, and until when."""

from __future__ import annotations

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, command, listing
from slipway.cli.numbers import TOKEN, Seconds
from slipway.cli.output import ago
from slipway.errors import SlipwayError


@noun(instead="slipway tokens create --name {}")
@command
def tokens(call: Invocation) -> None:
    """Tokens of the API."""
    if not listing():
        return
    listed = call.client.get("/tokens")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (
            str(each["id"]),
            each["name"],
            each["role"],
            each["hint"] + "…",
            ago(each["created_at"]),
            ago(each["used_at"]),
            ago(each["expires_at"]) if each["expires_at"] else "never",
        )
        for each in listed["tokens"]
    ]
    headings = ("id", "name", "role", "begins", "made", "used", "expires")
    call.out.table(headings, rows, empty="None: slipway tokens create --name NAME")


@tokens.command("create")
@click.option("--name", metavar="NAME", required=True, help="What it is for.")
@click.option(
    "--tenant", metavar="NAME", help="On the host itself: make it there, and the tenant too when there is none."
)
@click.option("--role", type=click.Choice(["owner", "developer", "viewer"]), help="owner on the host, else developer.")
@click.option("--expires-in", "expires_in_s", type=Seconds(), metavar="SECONDS", help="Else it has no end.")
@command
def create_token(call: Invocation, name: str, tenant: str | None, role: str | None, expires_in_s: float | None) -> None:
    """Make a token; it is shown once. With --tenant on the host, no other token is needed."""
    if tenant:
        from slipway.cli.this_host import issue_token

        made = issue_token(tenant, name, role or "owner", expires_in_s)
    else:
        values = {"name": name, "role": role or "developer", "expires_in_s": expires_in_s}
        made = call.client.post("/tokens", {key: value for key, value in values.items() if value is not None})
    call.answer(made, made["token"])
    if made.get("new_tenant"):
        call.out.hint(f"There was no tenant {tenant}: it was made.")
        _give_groups(call)
    call.out.hint("It is shown this once: slipway login takes it.")


def _give_groups(call: Invocation) -> None:
    """The new tenant's groups at Keycloak, so that people can be put into them."""
    from slipway.cli import this_host
    from slipway.settings import OFF

    if this_host.host_settings().keycloak == OFF:
        return
    try:
        this_host.sync_identity(dry_run=False)
    except SlipwayError as error:
        call.out.hint(f"It has no groups at Keycloak yet ({error.message}): slipway identity sync")


@tokens.command()
@click.argument("number", type=TOKEN)
@command
def revoke(call: Invocation, number: int) -> None:
    """End a token at once."""
    call.client.delete(f"/tokens/{number}")
    call.answer({"id": number}, f"Token {number} is revoked.")
