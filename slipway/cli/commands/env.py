"""env: the app's environment variables."""

from __future__ import annotations

import getpass
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.key_values import pair
from slipway.cli.output import ago, one_line
from slipway.cli.streams.following import follow_change, watch_options
from slipway.errors import NotFound

_build = click.option("--build", is_flag=True, help="For builds (as secret mounts), not for replicas.")


@noun(instead="slipway env set {}")
@app_option
@command
def env(call: Invocation) -> None:
    """The app's environment variables."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/variables"))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (each["name"], each["scope"] + ", secret" * each["secret"], ago(each["updated_at"]), _value(each["value"]))
        for each in listed["variables"]
    ]
    call.out.table(("name", "scope", "set", "value"), rows, empty=f"None yet: slipway env set -a {call.app} NAME=VALUE")


@env.command("set")
@click.argument("pairs", nargs=-1, metavar="NAME=VALUE…")
@app_option
@_build
@click.option("--secret", is_flag=True, help="Mask them in output, however ordinary they look.")
@click.option("--ask", multiple=True, metavar="NAME", help="Ask for its value, so that no history keeps it.")
@watch_options
@command
def set_variables(
    call: Invocation,
    pairs: tuple[str, ...],
    build: bool,
    secret: bool,
    ask: tuple[str, ...],
    watch: bool | None,
    timeout: float,
) -> None:
    """Set variables; the app restarts with them, without a build and without downtime."""
    values = dict(map(pair, pairs)) | {name: getpass.getpass(f"{name}: ") for name in ask}
    if not values:
        raise click.UsageError("nothing to set: slipway env set NAME=VALUE")
    changed = _change(call, {"set": values} | ({"secret": True} if secret else {}), build=build)
    names = ", ".join(changed["changed"])
    if names:
        follow_change(call, changed, f"Set {names} on {call.app}.", watch, timeout)
    else:
        call.answer(changed, f"{', '.join(values)} on {call.app}: already set so; nothing was changed.")


@env.command()
@click.argument("names", nargs=-1, required=True)
@app_option
@_build
@watch_options
@command
def unset(call: Invocation, names: tuple[str, ...], build: bool, watch: bool | None, timeout: float) -> None:
    """Remove variables; the app restarts without them."""
    changed = _change(call, {"unset": list(names)}, build=build)
    removed = changed["changed"]
    others = ", ".join(name for name in names if name not in removed)
    if not removed:
        raise NotFound(f"{others}: not set on {call.app}; nothing was changed.", remedy=_where_they_are(call, names))
    if others:
        call.out.hint(f"Not set: {others}")
    follow_change(call, changed, f"Removed {', '.join(removed)} on {call.app}.", watch, timeout)


def _where_they_are(call: Invocation, names: tuple[str, ...]) -> str:
    """A variable of builds is another one than that of replicas with the same name."""
    listed = call.client.get(call.app_path("/variables"))["variables"]
    elsewhere = {each["name"]: each["scope"] for each in listed if each["name"] in names}
    if not elsewhere:
        return f"slipway env -a {call.app}"
    option = " --build" if "build" in elsewhere.values() else ""
    whose = "for builds" if option else "for replicas"
    return f"set {whose}: slipway env unset -a {call.app}{option} {' '.join(elsewhere)}"


def _change(call: Invocation, body: dict[str, Any], *, build: bool) -> dict[str, Any]:
    body["scope"] = "build" if build else "run"
    changed: dict[str, Any] = call.client.patch(call.app_path("/variables"), body)
    return changed


def _value(value: str | None) -> str:
    return "(hidden)" if value is None else one_line(value)
