"""login, hooks, tokens: who may, and which repositories' pushes are taken."""

from __future__ import annotations

import sys

import click

from slipway import settings as slipway_settings
from slipway.cli import account
from slipway.cli.apps import show_hook
from slipway.cli.client import Client, segment
from slipway.cli.invocation import Invocation, command
from slipway.cli.on_host import issue_token
from slipway.cli.output import ago


@click.command()
@click.argument("url")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@command
def login(call: Invocation, url: str, token_stdin: bool) -> None:
    """Sign in with a token (slipway tokens create on the host makes the first)."""
    given = slipway_settings.client()["token"]
    token = sys.stdin.readline().strip() if token_stdin else given or click.prompt("Token", hide_input=True)
    who = Client(url, token).get("/account")
    account.keep(url, token)
    call.answer(who, f"Signed in to {url} as {who['token']} of {who['tenant']} ({who['role']}).")


@click.command()
@command
def logout(call: Invocation) -> None:
    """Forget the token on this machine."""
    forgotten = account.forget()
    call.answer({"forgotten": forgotten}, "Signed out." if forgotten else "Nobody was signed in.")


@click.group(invoke_without_command=True)
@command
def hooks(call: Invocation) -> None:
    """Webhook addresses, one a repository."""
    if click.get_current_context().invoked_subcommand:
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
@command
def deliveries(call: Invocation, hook: str) -> None:
    """What a hook received lately, and what became of it."""
    listed = call.client.get(f"/hooks/{segment(hook)}/deliveries")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (
            ago(each["received_at"]),
            each["event"],
            each["ref"],
            each["commit"][:7],
            each["outcome"],
            each["reason"] or ", ".join(f"deployment {number}" for number in each["deployments"]),
        )
        for each in listed["deliveries"]
    ]
    headings = ("received", "event", "ref", "commit", "outcome", "why")
    call.out.table(headings, rows, empty="Nothing yet: push, or press Redeliver in the repository's settings")


@click.group(invoke_without_command=True)
@command
def tokens(call: Invocation) -> None:
    """Tokens of the API."""
    if click.get_current_context().invoked_subcommand:
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
    call.out.table(("id", "name", "role", "begins", "made", "used", "expires"), rows, empty="None")


@tokens.command("create")
@click.option("--name", required=True, help="What it is for.")
@click.option("--tenant", help="On the host itself: make it there, and the tenant too when there is none.")
@click.option("--role", type=click.Choice(["owner", "developer", "viewer"]), help="owner on the host, else developer.")
@click.option("--expires-in", "expires_in_s", type=float, metavar="SECONDS")
@command
def create_token(call: Invocation, name: str, tenant: str | None, role: str | None, expires_in_s: float | None) -> None:
    """Make a token; it is shown once. With --tenant on the host, no other token is needed."""
    if tenant:
        made = issue_token(tenant, name, role or "owner", expires_in_s)
    else:
        values = {"name": name, "role": role or "developer", "expires_in_s": expires_in_s}
        made = call.client.post("/tokens", {key: value for key, value in values.items() if value is not None})
    call.answer(made, f"{made['token']}\nThis is the only time it is shown: slipway login takes it.")


@tokens.command()
@click.argument("number", type=int)
@command
def revoke(call: Invocation, number: int) -> None:
    """End a token at once."""
    call.client.delete(f"/tokens/{number}")
    call.answer({"id": number}, f"Token {number} is revoked.")
