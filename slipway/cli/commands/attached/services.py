"""services: databases and stores beside apps."""

from __future__ import annotations

import sys
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.exit_codes import WrongUsage
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.output import ago, aligned, state
from slipway.cli.streams.following import follow, follow_change, is_wanted, watch_options
from slipway.core.text.counting import plural

_name = click.argument("name")


@noun(instead="slipway services show {}")
@command
def services(call: Invocation) -> None:
    """Databases and stores beside apps."""
    if not listing():
        return
    listed = call.client.get("/services")
    if call.out.as_json:
        call.out.document(listed)
        return
    headings = ("service", "kind", "state", "attached to", "last backup")
    rows = [_row(each) for each in listed["services"]]
    call.out.table(headings, rows, empty="No service yet: slipway services create postgres NAME")


@services.command()
@click.argument("kind")
@_name
@click.option("--version", metavar="VERSION", help="Which of the kind's versions; else the newest that is known.")
@click.option(
    "--memory", type=click.IntRange(64, 1 << 20), metavar="MB", help="What it may use; else as the host says."
)
@watch_options
@command
def create(
    call: Invocation, kind: str, name: str, version: str | None, memory: int | None, watch: bool | None, timeout: float
) -> None:
    """Make a service: postgres, redis, valkey, mysql or mariadb.

    It runs with a volume and with passwords of its own; only what runs in your tenant's network
    reaches it, as NAME.
    """
    wanted = {"kind": kind, "name": name, "version": version, "memory_mb": memory}
    made = call.client.post("/services", {key: value for key, value in wanted.items() if value is not None})
    [deployment] = made["deployments"]
    if is_wanted(watch):
        call.out.line(f"{name} is being started. Then: slipway services attach {name} -a APP")
        follow(call, deployment, watch, timeout)
    else:
        number = deployment["id"]
        call.answer(made, f"{name} is being started: slipway deployments show {number} --watch")


@services.command()
@_name
@command
def show(call: Invocation, name: str) -> None:
    """All about one service, its address too."""
    service = call.client.get(service_path(name))
    if call.out.as_json:
        call.out.document(service)
        return
    facts = {
        "state": state(service["state"]),
        "kind": f"{service['kind']} {service['version']}",
        "image": service["image"],
        "host": f"{service['host']}:{service['port']}",
        **({"url": service["url"]} if service["url"] else {}),
        "attached to": _users(service, with_variable=True) or f"no app: slipway services attach {name} -a APP",
        "backups": f"{service['schedule'] or 'none by schedule'}, the newest {service['backups_kept']} are kept",
        "last backup": _last_backup(service),
        "made": ago(service["created_at"]),
    }
    for line in aligned(list(facts.items())):
        call.out.line(line)


@services.command()
@_name
@click.option("--as", "variable", metavar="NAME", help="The variable; else DATABASE_URL or REDIS_URL.")
@app_option
@watch_options
@command
def attach(call: Invocation, name: str, variable: str | None, watch: bool | None, timeout: float) -> None:
    """Give an app the service's address, as a secret variable."""
    body = {"app": call.app} | ({"variable": variable} if variable else {})
    changed = call.client.post(service_path(name, "/attachments"), body)
    [given] = [each["variable"] for each in changed["service"]["attachments"] if each["app"] == call.app]
    _follow(call, changed, f"{name} is attached to {call.app} as {given}.", watch, timeout)


@services.command()
@_name
@app_option
@watch_options
@command
def detach(call: Invocation, name: str, watch: bool | None, timeout: float) -> None:
    """Take the address from an app. The service's data stays."""
    changed = call.client.delete(service_path(name, f"/attachments/{segment(call.app)}"))
    _follow(call, changed, f"{name} is no longer attached to {call.app}.", watch, timeout)


@services.command()
@_name
@command
def rotate(call: Invocation, name: str) -> None:
    """Give the service another password, and all apps that use it."""
    changed = call.client.post(service_path(name, "/rotate"))
    users = _users(changed["service"])
    restarting = f" Deployed with it: {users}." if users else ""
    call.answer(changed, f"{name} gets another password.{restarting}")


@services.command("set")
@_name
@click.option("--schedule", metavar="CRON", help="When backups are made, in UTC: '30 2 * * *'; an empty one: never.")
@click.option("--keep", type=click.IntRange(1, 100), metavar="N", help="How many of the newest backups are kept.")
@command
def set_(call: Invocation, name: str, schedule: str | None, keep: int | None) -> None:
    """When backups are made, and how many are kept."""
    wanted = {"schedule": schedule, "backups_kept": keep}
    given = {key: value for key, value in wanted.items() if value is not None}
    if not given:
        raise click.UsageError("what is to be set? --schedule CRON or --keep N")
    service = call.client.patch(service_path(name), given)
    when = service["schedule"] or "none by schedule"
    call.answer(service, f"Backups of {name}: {when}, the newest {service['backups_kept']} are kept.")


@services.command()
@_name
@click.option("--confirm", metavar="NAME", help="The service's name, to say that you mean it.")
@command
def remove(call: Invocation, name: str, confirm: str | None) -> None:
    """Remove a service with its data and its backups, for good. No app may use it."""
    call.client.get(service_path(name))
    if confirm is None and sys.stdin.isatty():
        backups = len(call.client.get(service_path(name, "/backups"))["backups"])
        call.out.hint(f"All data in {name} and {plural(backups, 'backup')} of it will be lost, for good.")
        confirm = click.prompt("Type its name to go on", err=True)
    if confirm != name:
        raise WrongUsage(f"Nothing was removed: say that you mean it by --confirm {name}.")
    removed = call.client.delete(service_path(name), headers={"X-Slipway-Confirm": confirm})
    call.answer(removed, f"{name} is being removed, with its data and {plural(removed['removed_backups'], 'backup')}.")


def service_path(name: str, rest: str = "") -> str:
    return f"/services/{segment(name)}{rest}"


def _follow(call: Invocation, changed: dict[str, Any], done: str, watch: bool | None, timeout: float) -> None:
    deployment = next(iter(changed["deployments"]), None)
    follow_change(call, changed | {"deployment": deployment}, done, watch, timeout)


def _row(service: dict[str, Any]) -> tuple[str, ...]:
    return (
        service["name"],
        f"{service['kind']} {service['version']}",
        state(service["state"]),
        _users(service),
        _last_backup(service),
    )


def _users(service: dict[str, Any], *, with_variable: bool = False) -> str:
    used = service["attachments"]
    return ", ".join(f"{each['app']} as {each['variable']}" if with_variable else each["app"] for each in used)


def _last_backup(service: dict[str, Any]) -> str:
    last = service["last_backup"]
    return ago(last["ended_at"]) if last else "none yet"
