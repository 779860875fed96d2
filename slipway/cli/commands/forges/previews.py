"""previews: an app for each open pull request."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.numbers import PULL_REQUEST
from slipway.cli.output import ago, one_line, state

_SHORT = 7


@noun(instead="slipway previews remove {}")
@app_option
@command
def previews(call: Invocation) -> None:
    """Previews of the app's open pull requests."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/previews"))
    if call.out.as_json:
        call.out.document(listed)
        return
    headings = ("pull request", "state", "commit", "title", "by", "since", "url")
    call.out.table(headings, [_row(each) for each in listed["previews"]], empty=_empty(call, listed))


@previews.command("approve")
@click.argument("number", type=PULL_REQUEST)
@click.argument("commit")
@app_option
@command
def approve(call: Invocation, number: int, commit: str) -> None:
    """Let a fork's commit run, once you have read it. COMMIT: its first digits, 7 or more."""
    shown = call.client.post(call.app_path(f"/previews/{number}/approve"), {"commit": commit})
    call.answer(shown, f"#{number} is deployed at {shown['head'][:_SHORT]}, without the variables of {call.app}.")


@previews.command("remove")
@click.argument("number", type=PULL_REQUEST)
@app_option
@command
def remove(call: Invocation, number: int) -> None:
    """Remove a preview with its data; the next push makes it anew."""
    shown = call.client.delete(call.app_path(f"/previews/{number}"))
    call.answer(shown, f"The preview of #{number} is removed.")


def _row(preview: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"#{preview['number']}{' (fork)' if preview['fork'] else ''}",
        state(preview["state"]),
        preview["head"][:_SHORT],
        one_line(preview["title"], 40),
        one_line(preview["author"], 20),
        ago(preview["created_at"]),
        preview["url"] or one_line(preview["detail"]),
    )


def _empty(call: Invocation, listed: dict[str, Any]) -> str:
    if listed["enabled"]:
        return f"{call.app} has no open pull requests, as far as its hook has reported."
    return (
        f"{call.app} makes no previews. To have one for each pull request: slipway apps set -a {call.app} previews=true"
    )
