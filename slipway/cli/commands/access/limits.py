"""limits: how many requests a caller may send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.key_values import nested

_tenant_option: Callable[[Any], Any] = click.option(
    "--tenant", "of_tenant", is_flag=True, help="Of the tenant: over all its apps."
)


@noun(instead="slipway limits set {} requests=100 per_s=60")
@app_option
@_tenant_option
@command
def limits(call: Invocation, of_tenant: bool) -> None:
    """The limits on callers' requests, and whom they refused."""
    if not listing():
        return
    listed = call.client.get(_path(call, of_tenant))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [(each["name"], _allows(each), each["by"], each["scope"], _mode(each)) for each in listed["limits"]]
    empty = f"None: slipway limits set calls requests=100 per_s=60{_whose(call, of_tenant)}"
    call.out.table(("limit", "allows", "by", "of", "mode"), rows, empty=empty)
    if refused := listed.get("refused"):
        call.out.line()
        callers = [(each["caller"], each["limit"], each["scope"], str(each["requests"])) for each in refused]
        call.out.table(("caller", "limit", "of", "over the limit"), callers, empty="")


@limits.command("set")
@click.argument("name")
@click.argument("values", nargs=-1, metavar="NAME=VALUE…")
@app_option
@_tenant_option
@command
def set_(call: Invocation, name: str, values: tuple[str, ...], of_tenant: bool) -> None:
    """Set a limit: requests and per_s, or at_once; also by and dry_run.

    \b
    slipway limits set calls requests=100 per_s=60
    slipway limits set parallel at_once=10
    slipway limits set all requests=5000 per_s=60 by=all dry_run=true
    """
    changed = call.client.put(f"{_path(call, of_tenant)}/{segment(name)}", nested(values))
    for notice in changed["notices"]:
        call.out.hint(notice)
    call.answer(changed, f"Set: {name}. In force within a second; see them: slipway limits{_whose(call, of_tenant)}")


@limits.command()
@click.argument("name")
@app_option
@_tenant_option
@command
def unset(call: Invocation, name: str, of_tenant: bool) -> None:
    """Remove a limit."""
    call.client.delete(f"{_path(call, of_tenant)}/{segment(name)}")
    call.answer({"name": name}, f"Removed: {name}.")


def _path(call: Invocation, of_tenant: bool) -> str:
    return "/limits" if of_tenant else call.app_path("/limits")


def _whose(call: Invocation, of_tenant: bool) -> str:
    return " --tenant" if of_tenant else f" -a {call.app}"


def _allows(limit: dict[str, Any]) -> str:
    if limit["at_once"]:
        return f"{limit['at_once']} at once"
    return f"{limit['requests']} in {limit['per_s']} s"


def _mode(limit: dict[str, Any]) -> str:
    return "only reports" if limit["dry_run"] else "refuses"
