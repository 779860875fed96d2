"""login, logout, whoami: the account that this machine uses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from slipway import settings as slipway_settings
from slipway.cli.exit_codes import HOW_TO_BEGIN, ApiAbsent, ApiProblem, NotTheConsole, other_than_console
from slipway.cli.invocation import Invocation, command
from slipway.cli.this_host import is_this_machine
from slipway.errors import NotAuthenticated

if TYPE_CHECKING:
    from slipway.cli.client import Client


@click.command()
@click.argument("url", required=False)
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@command
def login(call: Invocation, url: str | None, token_stdin: bool) -> None:
    """Sign in with a token.

    The host's owner makes the first one there: slipway tokens create --tenant NAME --name NAME. The token is taken from
    SLIPWAY_TOKEN, from standard input, or asked for.
    """
    from slipway.cli import account
    from slipway.cli.client import Client

    address = url or account.last_url()
    if not address:
        raise click.UsageError("where? slipway login https://slipway.example.org")
    token, variable = _token(from_stdin=token_stdin)
    client = Client(address, token, token_variable=variable)
    call.signed_in_as(client)
    if _is_overheard(client.url):
        call.out.hint("The token travels unencrypted: use an https:// address outside a trusted network.")
    who = _account_of(client)
    account.keep(client.url, client.token)
    call.answer(who | {"url": client.url}, f"Signed in to {client.url}: {_who(who)}.")


@click.command()
@command
def logout(call: Invocation) -> None:
    """Forget the token on this machine."""
    from slipway.cli import account

    forgotten = account.forget()
    call.answer({"forgotten": forgotten}, "Signed out." if forgotten else "Nobody was signed in.")


@click.command()
@command
def whoami(call: Invocation) -> None:
    """Where you are signed in, and as whom."""
    who = call.client.get("/account")
    call.answer(who | {"url": call.client.url}, f"{call.client.url}: {_who(who)}")


def _token(*, from_stdin: bool) -> tuple[str, str]:
    """The token, and the environment variable that it comes from, if it comes from one."""
    from slipway.cli.account import FROM_ENVIRONMENT

    given = slipway_settings.client()["token"]
    if given and not from_stdin:
        return given, FROM_ENVIRONMENT
    if from_stdin or not sys.stdin.isatty():
        given = sys.stdin.readline().strip()
        if not given:
            raise click.UsageError("no token came: write it to standard input, or set SLIPWAY_TOKEN")
    token: str = given or click.prompt("Token", hide_input=True)
    return token, ""


def _account_of(client: Client) -> dict[str, str]:
    """The account of the token. The error for a refused token does not advise to sign in with it again."""
    try:
        found: dict[str, str] = client.get("/account")
    except (ApiProblem, ApiAbsent) as error:
        answered = other_than_console(client.url, error)
        if answered:
            points_on = error.remedy if "points to" in error.remedy else ""
            raise NotTheConsole(answered, remedy=points_on or _where_the_console_is()) from error
        if isinstance(error, ApiProblem) and error.http_status == NotAuthenticated.status:
            source = [error.remedy] if client.token_variable else []
            another = (
                "look whether it was copied whole; whoever is signed in makes another: "
                f"slipway tokens create --name NAME\n{HOW_TO_BEGIN}"
            )
            error.advise("\n".join([*source, another]))
        raise
    return found


def _where_the_console_is() -> str:
    from slipway.cli.this_host import address_here

    here = address_here()
    known = f"\nof the platform on this host: slipway login {here}" if here else ""
    return f"sign in at the console's address, SLIPWAY_PUBLIC_URL, which `make up` prints on its host{known}"


def _who(who: dict[str, str]) -> str:
    return f"token {who['token']} of {who['tenant']}, {who['role']}"


def _is_overheard(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_this_machine(parts.hostname or "")
