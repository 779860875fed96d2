"""github: the platform's GitHub App, and the tenant's installations of it."""

from __future__ import annotations

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, command, listing
from slipway.cli.numbers import INSTALLATION
from slipway.cli.output import ago

_CONSOLE = "Open the console: {}"


@noun(instead="slipway github disconnect {}")
@command
def github(call: Invocation) -> None:
    """The GitHub App: accounts whose repositories it serves."""
    if not listing():
        return
    found = call.client.get("/github")
    if call.out.as_json:
        call.out.document(found)
        return
    rows = [
        (str(each["id"]), each["account"], each["repositories"], each["state"], ago(each["created_at"]))
        for each in found["installations"]
    ]
    empty = "None: slipway github connect" if found["app"] else "The platform has no GitHub App: slipway github app"
    call.out.table(("installation", "account", "repositories", "state", "connected"), rows, empty=empty)


@github.command()
@command
def app(call: Invocation) -> None:
    """Register the platform's GitHub App: the page for it.

    One click there, as somebody with the role platform-admin, and one at GitHub.
    """
    _page(call, "/platform/github")


@github.command()
@command
def connect(call: Invocation) -> None:
    """Connect an account's installation: the page for it.

    GitHub shows there that you administer the account.
    """
    _page(call, "/tenant/hooks")


@github.command()
@click.argument("installation", type=INSTALLATION)
@command
def disconnect(call: Invocation, installation: int) -> None:
    """Use an account's repositories no more."""
    call.client.delete(f"/github/installations/{installation}")
    call.answer({"id": installation}, f"Installation {installation} is disconnected; it is still installed at GitHub.")


def _page(call: Invocation, path: str) -> None:
    url = call.client.url + path
    call.answer({"url": url}, _CONSOLE.format(url))
