"""apps, open: what an app is and how it is set."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

import click

from slipway.cli.checkout.app_source import origin_to_take, why_unreadable
from slipway.cli.click_groups import noun
from slipway.cli.commands.hooks import show_hook
from slipway.cli.completion import complete_app
from slipway.cli.exit_codes import WrongUsage
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.key_values import nested
from slipway.cli.output import ago, aligned, is_terminal, state, version
from slipway.cli.streams.following import follow_change, watch_options
from slipway.cli.streams.transcript import why_never_live
from slipway.core.app_settings.merge_patch import in_force
from slipway.core.naming.validation import repository_identity
from slipway.core.text.counting import ready_of
from slipway.core.text.hints import when_builds_read

_credential = click.option(
    "--credential-file",
    type=click.File(),
    metavar="FILE",
    help="Token or deploy key; for an image's registry user:password; - for standard input.",
)


_name = click.argument("name", required=False, metavar="[APP]", shell_complete=complete_app)


@noun(instead="slipway apps show {}")
@command
def apps(call: Invocation) -> None:
    """Your apps, a line each."""
    if not listing():
        return
    listed = call.client.get("/apps")
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [_row(app) for app in listed["apps"]]
    headings = ("app", "state", "replicas", "version", "deployed", "url", "source")
    call.out.table(headings, rows, empty="No app yet: slipway apps create NAME --repository URL --hook")


@apps.command()
@click.argument("name")
@click.option("--repository", metavar="URL", help="Its clone URL, without credentials; else this folder's origin.")
@click.option("--image", metavar="REF", help="Run an image of a registry instead, such as registry.example/shop:1.4.")
@click.option(
    "--branch", metavar="NAME", default="main", show_default=True, help="The branch whose pushes are deployed."
)
@click.option(
    "--replicas", type=click.IntRange(0, 100), metavar="N", default=1, show_default=True, help="How many are to run."
)
@_credential
@click.option("--hook", is_flag=True, help="Make a hook for the repository too.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting, such as health_path=/health.")
@command
def create(
    call: Invocation,
    name: str,
    repository: str | None,
    image: str | None,
    settings: tuple[str, ...],
    credential_file: IO[str] | None,
    **values: Any,
) -> None:
    """Make an app of a repository, or of an image."""
    source = {"image": image, "repository": repository} if image else {"repository": repository or origin_to_take(call)}
    body = {"name": name, **source, "settings": nested(settings), **values}
    if credential_file:
        body["credential"] = credential_file.read()
    made = call.client.post("/apps", body)
    unreadable = why_unreadable(call, made) if call.out.for_people and not image else ""
    ready = f"ready to be deployed (slipway deploy -a {name})" if image else "ready for its first push"
    what = "made, but nothing can be deployed yet" if unreadable else ready
    call.answer(made, f"{name} is {what}: {made['urls'][0]}")
    if unreadable:
        call.out.hint(unreadable)
    if made.get("hook"):
        show_hook(call, made["hook"])
    show_notices(call, made)


@apps.command()
@_name
@app_option
@command
def show(call: Invocation, name: str | None) -> None:
    """All about one app."""
    call.app_given = name or call.app_given
    app = call.client.get(call.app_path())
    if call.out.as_json:
        call.out.document(app)
        return
    facts = {
        "state": state(app["state"]),
        "url": " ".join(app["urls"]),
        "source": app["image"] or f"{app['repository']} {app['branch']}",
        "live": _live(app) or f"nothing yet: {why_never_live(app)}",
        "replicas": ready_of(app["replicas"]["ready"], app["replicas"]["wanted"]),
        **_settings(app),
        "made": ago(app["created_at"]),
    }
    for line in aligned(list(facts.items())):
        call.out.line(line)


@apps.command("set")
@click.argument("settings", nargs=-1, metavar="NAME=VALUE…")
@_credential
@app_option
@watch_options
@command
def set_(
    call: Invocation,
    settings: tuple[str, ...],
    credential_file: IO[str] | None,
    watch: bool | None,
    timeout: float,
) -> None:
    """Change settings, the branch, the repository, the image or the credential.

    \b
    slipway apps set port=8080 health_path=/health
    slipway apps set processes.web.command='gunicorn app:app'
    slipway apps set branch=main repository=https://github.com/acme/shop.git
    slipway apps set image=registry.example/shop:1.5 --credential-file FILE

    A value is JSON where it can be read as such; an empty one takes the setting back, an empty file the credential.
    """
    if not settings and not credential_file:
        raise click.UsageError("what is to be set? NAME=VALUE, or --credential-file FILE")
    values = nested(settings)
    own: dict[str, Any] = {name: values.pop(name) for name in ("branch", "repository", "image") if name in values}
    if credential_file:
        own["credential"] = credential_file.read().strip() or None
    changed = call.client.patch(call.app_path(), own | ({"settings": values} if values else {}))
    show_notices(call, changed)
    done = f"Set on {call.app}."
    if own or changed["deployment"]:
        follow_change(call, changed, done, watch, timeout)
    elif changed["at_the_edge"]:
        call.answer(changed, f"{done} In force within a second; no replica restarts.")
    elif changed["with_next_build"] and changed["app"]["live"]:
        call.answer(changed, f"{done} In force with the next {when_builds_read(changed['with_next_build'], call.app)}")
    elif changed["behind_file"]:
        call.answer(changed, f"Kept on {call.app}. Nothing that is in force changed: no replica restarts.")
    elif changed["notices"]:
        call.answer(changed, done)
    elif changed["app"]["live"]:
        call.answer(changed, f"{call.app}: already set so; nothing was changed.")
    else:
        call.answer(changed, f"{done} In force with the first deployment: slipway deploy -a {call.app}")


@apps.command()
@_name
@app_option
@click.option("--volumes", "with_volumes", is_flag=True, help="Also its volumes, with all data in them.")
@click.option("--confirm", metavar="NAME", help="The app's name, to say that you mean it.")
@command
def delete(call: Invocation, name: str | None, with_volumes: bool, confirm: str | None) -> None:
    """Delete an app, its replicas, releases, variables, domains and logs. Its volumes stay, unless you say so."""
    call.app_given = name or call.app_given
    call.client.get(call.app_path())
    if confirm is None and sys.stdin.isatty():
        call.out.hint(_what_goes(call, with_volumes=with_volumes))
        confirm = click.prompt("Type its name to go on", err=True)
    if confirm != call.app:
        raise WrongUsage(f"Nothing was deleted: say that you mean it by --confirm {call.app}.")
    headers = {"X-Slipway-Confirm": confirm}
    gone = call.client.delete(call.app_path(), headers=headers, volumes=1 if with_volumes else None)
    call.answer(gone, "\n".join([f"{call.app} is being deleted.", *_volumes_then(gone)]))
    show_notices(call, gone)


@click.command("open")
@app_option
@click.option("--console", is_flag=True, help="Open the console, not the app.")
@command
def open_(call: Invocation, console: bool) -> None:
    """Open the app in a browser, and print its address. With --console the console: signed in, by a link that is good
    once and for five minutes, where sign-on is off."""
    if console:
        url = _console(call)
    else:
        urls = call.client.get(call.app_path())["urls"]
        if not urls:
            raise click.ClickException(f"{call.app} has no address: slipway domains add -a {call.app} HOST")
        url = urls[0]
    call.answer({"url": url}, url)
    if is_terminal() and call.out.for_people:
        click.launch(url)


def _console(call: Invocation) -> str:
    if call.client.get("/sign-in")["sign_on"]:
        return call.client.url
    return str(call.client.post("/account/console-link")["url"])


def show_notices(call: Invocation, answered: dict[str, Any]) -> None:
    """What else the change means, with what to do about it."""
    for notice in answered["notices"]:
        call.out.hint(notice)


def _what_goes(call: Invocation, *, with_volumes: bool) -> str:
    volumes = [each["id"] for each in call.client.get("/volumes", app=call.app)["volumes"]]
    lost = f"All of {call.app} will be lost: replicas, releases, variables, domains, logs"
    if not volumes:
        return f"{lost}."
    if with_volumes:
        return f"{lost}, and the data in {', '.join(volumes)}."
    return f"{lost}. Its volumes stay: {', '.join(volumes)} (--volumes removes them too)."


def _volumes_then(gone: dict[str, Any]) -> list[str]:
    """What became of its volumes."""
    if gone["removed_volumes"]:
        return [f"With it go {', '.join(gone['removed_volumes'])}."]
    return [f"{each} stays, until: slipway volumes remove {each}" for each in gone["kept_volumes"]]


def _settings(app: dict[str, Any]) -> dict[str, str]:
    """The app's own, those of the live commit's file, and what holds where both set something."""
    own, file = app["settings"], app["file_settings"]
    none_set = "none set" if app["image"] or file else "as slipway.toml says, if there is one"
    facts = {"settings": json.dumps(own) if own else none_set}
    if file:
        facts["slipway.toml"] = json.dumps(file)
    if own and file:
        facts["in force"] = json.dumps(in_force(own, file))
    return facts


def _live(app: dict[str, Any]) -> str:
    live = app["live"]
    if not live:
        return ""
    release = f"v{live['release']['number']} " if live["release"] else ""
    return f"{release}{version(live)} {ago(live['live_at'])}"


def _row(app: dict[str, Any]) -> tuple[str, ...]:
    live = app["live"]
    runs = f"v{live['release']['number']} {version(live)}" if live and live["release"] else ""
    replicas = f"{app['replicas']['ready']}/{app['replicas']['wanted']}"
    deployed = ago(live["live_at"]) if live else "never"
    source = app["image"] or repository_identity(app["repository"])
    return app["name"], state(app["state"]), replicas, runs, deployed, app["urls"][0] if app["urls"] else "", source
