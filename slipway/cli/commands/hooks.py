"""hooks: webhook addresses, one a repository, and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, command, listing, segment
from slipway.cli.output import ago, one_line
from slipway.cli.this_host import is_this_machine

if TYPE_CHECKING:
    pass


@noun(instead="slipway hooks deliveries {}")
@command
def hooks(call: Invocation) -> None:
    """Webhook addresses, one a repository."""
    if not listing():
        return
    listed = call.client.get("/hooks")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [(each["id"], each["repository"], str(len(each["secrets"])), each["url"]) for each in listed["hooks"]]
    headings = ("hook", "repository", "secrets", "address")
    call.out.table(headings, rows, empty="No hook yet: slipway hooks create REPOSITORY-URL")


@hooks.command("create")
@click.argument("repository")
@command
def create_hook(call: Invocation, repository: str) -> None:
    """Make a hook for a repository; its secret is shown once."""
    made = call.client.post("/hooks", {"repository": repository})
    call.answer(made, f"A hook for {made['repository']}:")
    show_hook(call, made)


@hooks.command()
@click.argument("hook")
@command
def rotate(call: Invocation, hook: str) -> None:
    """Make a new secret; the old stays valid for a while."""
    made = call.client.post(f"/hooks/{segment(hook)}/rotate")
    call.answer(made, "A new secret; the old one stays valid for a while:")
    show_hook(call, made)


@hooks.command("delete")
@click.argument("hook")
@command
def delete_hook(call: Invocation, hook: str) -> None:
    """Remove a hook: its deliveries are refused from now on."""
    call.client.delete(f"/hooks/{segment(hook)}")
    call.answer({"id": hook}, f"Hook {hook} is gone.")


@hooks.command()
@click.argument("hook")
@click.option(
    "--limit", type=click.IntRange(1, 100), metavar="N", default=20, show_default=True, help="How many, newest first."
)
@command
def deliveries(call: Invocation, hook: str, limit: int) -> None:
    """What a hook received, and what became of it."""
    listed = call.client.get(f"/hooks/{segment(hook)}/deliveries", limit=limit)
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (
            ago(each["received_at"]),
            each["event"],
            one_line(each["ref"], 40),
            each["commit"][:7],
            each["outcome"],
            each["reason"] or ", ".join(f"deployment {number}" for number in each["deployments"]),
        )
        for each in listed["deliveries"]
    ]
    headings = ("received", "event", "ref", "commit", "outcome", "why")
    call.out.table(headings, rows, empty="Nothing yet: push, or press Redeliver in the repository's settings")


def show_hook(call: Invocation, hook: dict[str, object]) -> None:
    """Address and secret, which is shown this once, with where to put them."""
    call.out.line(f"hook     {hook['url']}")
    if hook.get("secret"):
        call.out.line(f"secret   {hook['secret']}   (shown this once)")
        call.out.line("Enter both in the repository's settings under Webhooks; content type application/json.")
    to, sender = urlsplit(str(hook["url"])).hostname or "", urlsplit(f"//{hook['repository']}").hostname or ""
    if is_this_machine(to) and not is_this_machine(sender):
        call.out.hint(
            f"{sender} can't reach {to}, a name of this machine alone: set SLIPWAY_CONSOLE_HOST and SLIPWAY_PUBLIC_URL "
            "to what it can reach, then make up. Until then deploy by hand: slipway deploy"
        )
