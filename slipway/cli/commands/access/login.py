"""login, logout, whoami: the account that this machine uses."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from slipway import settings as slipway_settings
from slipway.cli.exit_codes import HOW_TO_BEGIN, ApiAbsent, ApiProblem, NotTheConsole, other_than_console
from slipway.cli.invocation import Invocation, command
from slipway.cli.output import ago
from slipway.cli.this_host import is_this_machine
from slipway.errors import NotAllowed, NotAuthenticated, SettingsError, SignOnOff

if TYPE_CHECKING:
    from slipway.cli.client import Client
    from slipway.cli.sign_in.identity_provider import IdentityProvider


@click.command()
@click.argument("url", required=False)
@click.option("--web", is_flag=True, help="Through the browser, also where standard input is no terminal.")
@click.option("--no-browser", is_flag=True, help="Open none: only show the address and the code.")
@click.option("--tenant", metavar="NAME", help="In which tenant to act, for people who are in several.")
@click.option("--token-stdin", is_flag=True, help="Read a token from standard input instead.")
@command
def login(
    call: Invocation, url: str | None, web: bool, no_browser: bool, tenant: str | None, token_stdin: bool
) -> None:
    """Sign in, through the browser or with a token.

    Where the platform has sign-on, it is through the browser, which may be on another machine: an address and a code
    are shown. The login renews itself for as long as it is used and its session lasts; slipway logout ends it.

    A token is taken from SLIPWAY_TOKEN, from standard input, or asked for. The host's owner makes the first one there:
    slipway tokens create --tenant NAME --name NAME.
    """
    from slipway.cli import account

    if web and token_stdin:
        raise click.UsageError("--web and --token-stdin exclude each other")
    address = url or account.last_url()
    if not address:
        raise click.UsageError("where? slipway login https://slipway.example.org")
    if tenant and not web and not token_stdin and _changes_tenant(call, address, tenant):
        return
    provider = None if token_stdin else _provider(call, address, wanted=web)
    if provider:
        _by_browser(call, address, provider, tenant or "", opens=not no_browser)
    elif tenant:
        raise click.UsageError("--tenant is for people who sign in; a token is of one tenant")
    else:
        _by_token(call, address, from_stdin=token_stdin)


@click.command()
@command
def logout(call: Invocation) -> None:
    """End the login, and forget it on this machine."""
    from slipway.cli import account

    forgotten = account.forget()
    if forgotten is None or forgotten.person is None:
        sentence = "Nobody was signed in." if forgotten is None else "Signed out."
        call.answer({"forgotten": forgotten is not None}, sentence)
        return
    from slipway.cli.sign_in import by_browser

    ended = by_browser.end(forgotten.person)
    call.answer({"forgotten": True, "ended": ended}, "Signed out.")
    if not ended:
        until = forgotten.person.tokens.login_ends_at
        when = f": it ends {ago(_time(until))}" if until else ""
        call.out.hint(f"{forgotten.person.provider.origin} could not be asked to end the login{when}.")


@click.command()
@command
def whoami(call: Invocation) -> None:
    """Where you are signed in, as whom, and until when."""
    from slipway.cli.sign_in import kept_login

    client = call.client
    who = client.get("/account") | {"url": client.url}
    kept = kept_login.read() if not client.token_variable else kept_login.NONE
    until = kept.person.tokens.login_ends_at if kept.person and kept.is_at(client.url) else 0
    if not until:
        call.answer(who, f"{client.url}: {_who(who)}")
        return
    ends = f"the login ends {ago(_time(until))} unless it is used before"
    call.answer(who | {"login_ends_at": _time(until)}, f"{client.url}: {_who(who)}; {ends}")


def _provider(call: Invocation, address: str, *, wanted: bool) -> IdentityProvider | None:
    """Who signs people in there; None when a token is to be used."""
    from slipway.cli.client import Client
    from slipway.cli.sign_in import by_browser

    if not wanted and (slipway_settings.client()["token"] or not sys.stdin.isatty()):
        return None
    platform = Client(address, "")
    try:
        provider = by_browser.provider_of(platform)
    except (ApiProblem, ApiAbsent) as error:
        _require_console(platform.url, error)
        if isinstance(error, ApiAbsent) and error.document:
            call.out.hint("A token works meanwhile: slipway login --token-stdin")
        raise
    finally:
        platform.close()
    if provider is None and wanted:
        raise SignOnOff(
            f"Sign-on is off at {platform.url}.", remedy="sign in with a token: slipway login --token-stdin"
        )
    return provider


def _by_browser(call: Invocation, address: str, provider: IdentityProvider, tenant: str, *, opens: bool) -> None:
    """The login is kept also when the person is in several tenants and names none of them: they choose one then."""
    from slipway.cli import account
    from slipway.cli.client import Client
    from slipway.cli.sign_in import by_browser
    from slipway.cli.sign_in.kept_login import KeptLogin

    person = by_browser.sign_in(provider, opens=opens)
    client = Client(address, person.tokens.access_token, tenant=tenant)
    call.signed_in_as(client)
    _warn_if_overheard(call, client)
    try:
        who = _account_of(client)
    except BaseException as error:
        if isinstance(error, ApiProblem) and error.http_status == NotAllowed.status:
            account.keep(KeptLogin(client.url, person=person))
            error.advise("\n".join(filter(None, (error.remedy, "the login is kept: slipway login --tenant NAME"))))
        else:
            by_browser.end(person)
        raise
    account.keep(KeptLogin(client.url, person=person, tenant=tenant))
    if slipway_settings.client()["token"]:
        call.out.hint("SLIPWAY_TOKEN goes before this login: unset it.")
    call.answer(who | {"url": client.url}, f"Signed in to {client.url}: {_who(who)}.")


def _changes_tenant(call: Invocation, address: str, tenant: str) -> bool:
    """A person who is signed in there already chooses another of their tenants; False when nobody is."""
    from slipway.cli import account
    from slipway.cli.client import Client
    from slipway.cli.sign_in import kept_login
    from slipway.cli.sign_in.renewing import RenewedTokens

    try:
        kept = kept_login.read()
    except SettingsError:
        return False  # it is replaced
    if kept.person is None or not kept.is_at(address) or not kept.person.tokens.refresh_token:
        return False
    client = Client(address, RenewedTokens(kept.url, kept.person), tenant=tenant)
    call.signed_in_as(client)
    who = client.get("/account")
    account.keep_tenant(client.url, tenant)
    call.answer(who | {"url": client.url}, f"{client.url}: {_who(who)} from now on.")
    return True


def _by_token(call: Invocation, address: str, *, from_stdin: bool) -> None:
    from slipway.cli import account
    from slipway.cli.client import Client
    from slipway.cli.sign_in.kept_login import KeptLogin

    token, variable = _token(from_stdin=from_stdin)
    client = Client(address, token, token_variable=variable)
    call.signed_in_as(client)
    _warn_if_overheard(call, client)
    who = _account_of(client)
    account.keep(KeptLogin(client.url, token))
    call.answer(who | {"url": client.url}, f"Signed in to {client.url}: {_who(who)}.")


def _token(*, from_stdin: bool) -> tuple[str, str]:
    """The token, and the environment variable that it comes from, if it comes from one."""
    from slipway.cli.account import FROM_ENVIRONMENT

    given = slipway_settings.client()["token"]
    if given and not from_stdin:
        return given, FROM_ENVIRONMENT
    if not sys.stdin.isatty():
        given = sys.stdin.readline().strip()
        if not given:
            raise click.UsageError("no token came: write it to standard input, or set SLIPWAY_TOKEN")
        return given, ""
    return str(click.prompt("Token", hide_input=True)), ""


def _account_of(client: Client) -> dict[str, Any]:
    """Whose the token is. The error for a refused token does not advise to sign in with it again."""
    try:
        found: dict[str, Any] = client.get("/account")
    except (ApiProblem, ApiAbsent) as error:
        _require_console(client.url, error)
        if isinstance(error, ApiProblem) and error.http_status == NotAuthenticated.status:
            source = [error.remedy] if client.token_variable else []
            another = (
                "look whether it was copied whole; whoever is signed in makes another: "
                f"slipway tokens create --name NAME\n{HOW_TO_BEGIN}"
            )
            error.advise("\n".join([*source, another]))
        raise
    return found


def _require_console(url: str, error: ApiProblem | ApiAbsent) -> None:
    """Raises `NotTheConsole` when something else answered."""
    answered = other_than_console(url, error)
    if answered:
        points_on = error.remedy if "points to" in error.remedy else ""
        raise NotTheConsole(answered, remedy=points_on or _where_the_console_is()) from error


def _where_the_console_is() -> str:
    from slipway.cli.this_host import address_here

    here = address_here()
    known = f"\nof the platform on this host: slipway login {here}" if here else ""
    return f"sign in at the console's address, SLIPWAY_PUBLIC_URL, which `make up` prints on its host{known}"


def _who(who: dict[str, Any]) -> str:
    if who.get("kind", "token") == "token":
        return f"token {who['token']} of {who['tenant']}, {who['role']}"
    return f"{who['name']} of {who['tenant']}, {who['role']}" if who["tenant"] else f"{who['name']}, in no tenant"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _warn_if_overheard(call: Invocation, client: Client) -> None:
    parts = urlsplit(client.url)
    if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
        call.out.hint("The token travels unencrypted: use an https:// address outside a trusted network.")
