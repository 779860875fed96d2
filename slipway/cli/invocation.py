"""What every command has: `--json`, the API's client, and, where it is about an app, `-a`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from slipway.cli.completion import complete_app
from slipway.cli.output import Output

if TYPE_CHECKING:
    from slipway.cli.client import Client


@dataclass(slots=True)
class Invocation:
    """One run of the command."""

    out: Output
    app_given: str | None = None
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """Signed in at first use, so that commands on the host need no login."""
        if self._client is None:
            from slipway.cli.account import signed_in

            self._client = signed_in(app=self.app_given)
        return self._client

    def signed_in_as(self, client: Client) -> None:
        """Use this client from now on."""
        self._client = client

    @property
    def app(self) -> str:
        """The app that is meant."""
        if self.app_given is None:
            from slipway.cli.checkout.which_app import which_app

            self.app_given = which_app(self.client, None)
        return self.app_given

    @property
    def is_ci_job(self) -> bool:
        """A CI job with its own token may deploy one app, and may not look at it otherwise."""
        from slipway.cli.sign_in.job_identity import JobTokens

        return isinstance(self.client.tokens, JobTokens)

    def app_path(self, rest: str = "") -> str:
        """Where the API has the app."""
        return f"/apps/{segment(self.app)}{rest}"

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def answer(self, document: Any, sentence: str) -> None:
        """The document for machines, a sentence for people."""
        if self.out.as_json:
            self.out.document(document)
        else:
            self.out.line(sentence)


def segment(text: str) -> str:
    """The text as one segment of a URL's path."""
    return quote(text, safe="")


def listing() -> bool:
    """Was the noun called without a verb?"""
    return not click.get_current_context().invoked_subcommand


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A command that gets its Invocation first, and takes `--json`. A group's options hold for its commands too:
    `slipway env -a shop set …` is `slipway env set -a shop …`."""

    def run(*args: Any, as_json: bool = False, app: str | None = None, **values: Any) -> None:
        above = click.get_current_context().parent
        outer = above.params if above else {}
        call = Invocation(Output(as_json or outer.get("as_json", False)), app or outer.get("app"))
        try:
            function(call, *args, **values)
        finally:
            call.close()

    return click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for machines.")(
        update_wrapper(run, function)
    )


def app_option(function: Callable[..., None]) -> Callable[..., None]:
    """`-a APP`; without it the app is found as `which_app` says."""
    return click.option(
        "-a",
        "--app",
        metavar="APP",
        shell_complete=complete_app,
        help="The app; else by slipway.toml or the git remote.",
    )(function)
