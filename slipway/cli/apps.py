"""apps, env, domains, scale, open: what an app is and how it is set."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any

import click

from slipway.cli.invocation import Invocation, app_option, command
from slipway.cli.output import ago, state


@click.group(invoke_without_command=True)
@command
def apps(call: Invocation) -> None:
    """Your apps, a line each."""
    if click.get_current_context().invoked_subcommand:
        return
    listed = call.client.get("/apps")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [_row(app) for app in listed["apps"]]
    headings = ("app", "state", "replicas", "version", "deployed", "url")
    call.out.table(headings, rows, empty="No app yet: slipway apps create NAME --repository URL --hook")


@apps.command()
@click.argument("name")
@click.option("--repository", metavar="URL", required=True, help="Its clone URL, without credentials.")
@click.option("--branch", default="main", show_default=True, help="The branch whose pushes are deployed.")
@click.option("--replicas", type=int, default=1, show_default=True)
@click.option("--credential-file", type=click.Path(path_type=Path), help="Token or deploy key; - for standard input.")
@click.option("--hook", is_flag=True, help="Make a hook for the repository too.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting, such as health_path=/health.")
@command
def create(call: Invocation, name: str, settings: tuple[str, ...], credential_file: Path | None, **values: Any) -> None:
    """Make an app of a repository."""
    body: dict[str, Any] = {"name": name, "settings": _settings(settings), **values}
    if credential_file:
        body["credential"] = sys.stdin.read() if str(credential_file) == "-" else credential_file.read_text()
    made = call.client.post("/apps", body)
    call.answer(made, f"{name} is ready for its first push: {made['urls'][0]}")
    if made.get("hook"):
        show_hook(call, made["hook"])


@apps.command()
@app_option
@command
def show(call: Invocation) -> None:
    """All about one app."""
    app = call.client.get(call.app_path())
    if call.out.as_json:
        call.out.document(app)
        return
    live = app["live"]
    for name, value in (
        ("state", state(app["state"])),
        ("urls", " ".join(app["urls"])),
        ("source", f"{app['repository']} {app['branch']}"),
        (
            "live",
            f"v{live['release']['number']} {live['commit'][:7]} {ago(live['live_at'])}" if live else "nothing yet",
        ),
        ("replicas", f"{app['replicas']['ready']} of {app['replicas']['wanted']} ready"),
        ("settings", json.dumps(app["settings"])),
    ):
        call.out.line(f"{name:<10} {value}")


@apps.command("set")
@click.argument("settings", nargs=-1, required=True, metavar="NAME=VALUE…")
@app_option
@command
def set_(call: Invocation, settings: tuple[str, ...]) -> None:
    """Change settings: port=8080 health_path=/health processes.web.command='gunicorn app:app' branch=main.

    A value is JSON where it can be read as such; an empty one takes the setting back.
    """
    values = _settings(settings)
    own = {name: values.pop(name) for name in ("branch", "repository") if name in values}
    changed = call.client.patch(call.app_path(), own | ({"settings": values} if values else {}))
    call.answer(changed, f"Set on {call.app}." + _in_force(changed["deployment"]))


@apps.command()
@app_option
@click.option("--confirm", metavar="NAME", help="The app's name, to say that you mean it.")
@command
def delete(call: Invocation, confirm: str | None) -> None:
    """Delete an app, its replicas, releases, variables, domains and logs."""
    if confirm is None and sys.stdin.isatty():
        confirm = click.prompt(f"All of {call.app} will be lost. Type its name to go on")
    if confirm != call.app:
        raise click.UsageError(f"nothing was deleted; say that you mean it: --confirm {call.app}")
    gone = call.client.delete(call.app_path())
    call.answer(gone, f"{call.app} is being deleted.")


@click.command("open")
@app_option
@command
def open_(call: Invocation) -> None:
    """Open the app in a browser, or print its address."""
    url = call.client.get(call.app_path())["urls"][0]
    call.answer({"url": url}, url)
    if sys.stdout.isatty():
        click.launch(url)


@click.command()
@click.argument("replicas", type=click.IntRange(0, 100))
@app_option
@click.option("--process", default="web", show_default=True)
@command
def scale(call: Invocation, replicas: int, process: str) -> None:
    """Run a number of replicas; 0 stops the app."""
    set_to = call.client.put(call.app_path("/scale"), {"process": process, "replicas": replicas})
    call.answer(set_to, f"{call.app} {process}: {replicas} replicas wanted. slipway ps shows them come.")


@click.group(invoke_without_command=True)
@app_option
@command
def env(call: Invocation) -> None:
    """The app's environment variables."""
    if click.get_current_context().invoked_subcommand:
        return
    listed = call.client.get(call.app_path("/variables"))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [
        (each["name"], _value(each["value"]), each["scope"], ago(each["updated_at"])) for each in listed["variables"]
    ]
    call.out.table(("name", "value", "scope", "set"), rows, empty="None yet: slipway env set NAME=VALUE")


@env.command("set")
@click.argument("pairs", nargs=-1, metavar="NAME=VALUE…")
@app_option
@click.option("--build", is_flag=True, help="For builds (as secret mounts), not for replicas.")
@click.option("--ask", multiple=True, metavar="NAME", help="Ask for the value, so that no history keeps it.")
@command
def set_variables(call: Invocation, pairs: tuple[str, ...], build: bool, ask: tuple[str, ...]) -> None:
    """Set variables; the app restarts with them, without a build and without downtime."""
    values = dict(_pair(pair) for pair in pairs) | {name: getpass.getpass(f"{name}: ") for name in ask}
    if not values:
        raise click.UsageError("nothing to set: slipway env set NAME=VALUE")
    _change_variables(call, {"set": values, "scope": "build" if build else "run"}, "Set")


@env.command()
@click.argument("names", nargs=-1, required=True)
@app_option
@click.option("--build", is_flag=True, help="Of builds, not of replicas.")
@command
def unset(call: Invocation, names: tuple[str, ...], build: bool) -> None:
    """Remove variables."""
    _change_variables(call, {"unset": list(names), "scope": "build" if build else "run"}, "Removed")


@click.group(invoke_without_command=True)
@app_option
@command
def domains(call: Invocation) -> None:
    """The hosts that lead to the app."""
    if click.get_current_context().invoked_subcommand:
        return
    listed = call.client.get(call.app_path("/domains"))
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [(each["host"], each["process"], ago(each["created_at"]), each["url"]) for each in listed["domains"]]
    call.out.table(("host", "process", "added", "url"), rows, empty="None: slipway domains add shop.example.org")


@domains.command()
@click.argument("host")
@app_option
@command
def add(call: Invocation, host: str) -> None:
    """Lead a host to the app. Point its DNS record at this server too."""
    made = call.client.post(call.app_path("/domains"), {"host": host})
    call.answer(made, f"{made['host']} leads to {call.app}. Its DNS record must point at this server.")


@domains.command()
@click.argument("host")
@app_option
@command
def remove(call: Invocation, host: str) -> None:
    """Lead a host nowhere."""
    call.client.delete(call.app_path(f"/domains/{host}"))
    call.answer({"host": host}, f"{host} no longer leads to {call.app}.")


def show_hook(call: Invocation, hook: dict[str, Any]) -> None:
    """Address and secret, which is shown this once, with where to put them."""
    call.out.line(f"hook     {hook['url']}")
    if hook.get("secret"):
        call.out.line(f"secret   {hook['secret']}   (shown this once)")
        call.out.line("Enter both in the repository's settings under Webhooks; content type application/json.")


def _change_variables(call: Invocation, body: dict[str, Any], done: str) -> None:
    changed = call.client.patch(call.app_path("/variables"), body)
    names = ", ".join(body.get("set") or body.get("unset") or [])
    call.answer(changed, f"{done} {names} on {call.app}." + _in_force(changed["deployment"]))


def _in_force(deployment: dict[str, Any] | None) -> str:
    if deployment is None:
        return " In force with the next deployment."
    return f" Restarting without downtime: slipway deployments show {deployment['id']} --watch"


def _row(app: dict[str, Any]) -> tuple[str, ...]:
    live = app["live"]
    version = f"v{live['release']['number']} {live['commit'][:7]}" if live and live["release"] else ""
    replicas = f"{app['replicas']['ready']}/{app['replicas']['wanted']}"
    deployed = ago(live["live_at"]) if live else "never"
    return app["name"], state(app["state"]), replicas, version, deployed, app["urls"][0] if app["urls"] else ""


def _settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`a.b=1` → `{"a": {"b": 1}}`; an empty value → None, which takes the setting back."""
    values: dict[str, Any] = {}
    for name, text in map(_pair, pairs):
        *tables, last = name.split(".")
        inner = values
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[last] = _json_or_text(text) if text else None
    return values


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value


def _value(value: str | None) -> str:
    if value is None:
        return "(hidden)"
    return value if len(value) <= 60 else value[:57] + "…"
