"""env: the app's environment variables."""

from __future__ import annotations

import getpass
from typing import Any, BinaryIO

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.key_values import pair
from slipway.cli.output import ago, one_line
from slipway.cli.streams.following import follow_change, watch_options
from slipway.core.text import env_file
from slipway.core.text.counting import plural
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


@env.command("import")
@click.argument("file", type=click.File("rb"))
@app_option
@_build
@click.option("--secret", is_flag=True, help="Mask them in output, however ordinary they look.")
@click.option("--dry-run", is_flag=True, help="Only show what would change, without values.")
@watch_options
@command
def import_variables(
    call: Invocation,
    file: BinaryIO,
    build: bool,
    secret: bool,
    dry_run: bool,
    watch: bool | None,
    timeout: float,
) -> None:
    """Set the variables of a .env file, in one change.

    FILE is read as python-dotenv reads it; - reads standard input. A line that can't be read is
    named, and then nothing is set. What the file does not name stays as it is.
    """
    values = env_file.parse(file.read())
    if not values:
        raise click.UsageError("the file sets no variable")
    body = {"set": values} | ({"secret": True} if secret else {})
    if dry_run:
        _show_dry_run(call, values, _change(call, body | {"dry_run": True}, build=build), "build" if build else "run")
        return
    changed = _change(call, body, build=build)
    number = len(changed["changed"])
    if number:
        done = f"Set {plural(number, 'variable')} on {call.app}, of {len(values)} in the file."
        follow_change(call, changed, done, watch, timeout)
    else:
        call.answer(changed, f"{call.app} has all {len(values)} already; nothing was changed.")


@env.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@app_option
@_build
@watch_options
@command
def rename(call: Invocation, old: str, new: str, build: bool, watch: bool | None, timeout: float) -> None:
    """Call a variable otherwise; its value stays, and so does its mark as secret."""
    changed = _change(call, {"rename": {old: new}}, build=build)
    follow_change(call, changed, f"{old} is {new} on {call.app}.", watch, timeout)


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


def _show_dry_run(call: Invocation, values: dict[str, str], answer: dict[str, Any], scope: str) -> None:
    """What the file would change. Of values only how long they are: it shows whether the quotes were meant so."""
    if call.out.as_json:
        call.out.document(answer)
        return
    is_set = {each["name"] for each in answer["variables"] if each["scope"] == scope}
    rows = [
        (name, ("changed" if name in is_set else "new") if name in answer["changed"] else "as it is", _size(value))
        for name, value in values.items()
    ]
    call.out.table(("name", "would be", "value"), rows, empty="")
    call.out.hint("Nothing was changed: leave out --dry-run.")


def _size(value: str) -> str:
    lines = value.count("\n") + 1
    return plural(len(value), "character") + (f" in {lines} lines" if lines > 1 else "") if value else "empty"


def _value(value: str | None) -> str:
    return "(hidden)" if value is None else one_line(value)
