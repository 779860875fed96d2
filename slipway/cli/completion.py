"""`slipway completion SHELL`: the script that teaches a shell; and the names of apps, asked from the API."""

from __future__ import annotations

import click

from slipway.errors import SlipwayError

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script for a shell's completion.

    \b
    bash:  slipway completion bash > /etc/bash_completion.d/slipway
    zsh:   slipway completion zsh > "${fpath[1]}/_slipway"
    fish:  slipway completion fish > ~/.config/fish/completions/slipway.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(click.get_current_context().find_root().command, {}, "slipway", "_SLIPWAY_COMPLETE").source())


POLICIES = (
    "public", "signed-in", "tenant", "role:viewer", "role:developer", "role:owner", "group:/", "token", "nobody",
)  # fmt: skip


def complete_policy(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """The terms of a policy."""
    return [each for each in POLICIES if each.startswith(typed)]


def complete_app(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """The apps whose names begin so. None when the API does not answer: a prompt has no room for the reason."""
    from slipway.cli.account import signed_in

    try:
        client = signed_in(timeout_s=2)
    except SlipwayError:
        return []
    try:
        return [app["name"] for app in client.get("/apps")["apps"] if app["name"].startswith(typed)]
    except SlipwayError:
        return []
    finally:
        client.close()
