"""login, logout, whoami, hooks, tokens: who may, and which repositories' pushes are taken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from slipway import settings as slipway_settings
from slipway.cli.command_groups import noun
from slipway.cli.exit_codes import HOW_TO_BEGIN, ApiAbsent, ApiProblem, NotTheConsole, other_than_console
from slipway.cli.invocation import Invocation, command, listing, segment
from slipway.cli.output import ago, one_line
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
    client = Client(address, _token(from_stdin=token_stdin))
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
@click.option("--expires-in", "expires_in_s", type=float, metavar="SECONDS", help="Else it has no end.")
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
    call.out.hint("It is shown this once: slipway login takes it.")


@tokens.command()
@click.argument("number", type=int)
@command
def revoke(call: Invocation, number: int) -> None:
    """End a token at once."""
    call.client.delete(f"/tokens/{number}")
    call.answer({"id": number}, f"Token {number} is revoked.")


def show_hook(call: Invocation, hook: dict[str, object]) -> None:
    """Address and secret, which is shown this once, with where to put them."""
    call.out.line(f"hook     {hook['url']}")
    if hook.get("secret"):
        call.out.line(f"secret   {hook['secret']}   (shown this once)")
        call.out.line("Enter both in the repository's settings under Webhooks; content type application/json.")
    to, sender = urlsplit(str(hook["url"])).hostname or "", urlsplit(f"//{hook['repository']}").hostname or ""
    if _is_this_machine(to) and not _is_this_machine(sender):
        call.out.hint(
            f"{sender} can't reach {to}, a name of this machine alone: set SLIPWAY_CONSOLE_HOST and SLIPWAY_PUBLIC_URL "
            "to what it can reach, then make up. Until then deploy by hand: slipway deploy"
        )


def _token(*, from_stdin: bool) -> str:
    given = slipway_settings.client()["token"]
    if from_stdin or not (given or sys.stdin.isatty()):
        given = sys.stdin.readline().strip()
        if not given:
            raise click.UsageError("no token came: write it to standard input, or set SLIPWAY_TOKEN")
    token: str = given or click.prompt("Token", hide_input=True)
    return token


def _account_of(client: Client) -> dict[str, str]:
    """Whom the token names. To sign in again with a token that was refused would lead nowhere."""
    try:
        found: dict[str, str] = client.get("/account")
    except (ApiProblem, ApiAbsent) as error:
        answered = other_than_console(client.url, error)
        if answered:
            points_on = error.remedy if "points to" in error.remedy else ""
            raise NotTheConsole(answered, remedy=points_on or _where_the_console_is()) from error
        if isinstance(error, ApiProblem) and error.http_status == NotAuthenticated.status:
            error.advise(
                "look whether it was copied whole; whoever is signed in makes another: "
                f"slipway tokens create --name NAME\n{HOW_TO_BEGIN}"
            )
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
    return parts.scheme == "http" and not _is_this_machine(parts.hostname or "")


def _is_this_machine(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
