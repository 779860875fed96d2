"""Which app is meant: -a, else SLIPWAY_APP, else slipway.toml's `app`, else the app of this folder's git remote; of
several, the one that deploys the branch that is checked out."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

from slipway import settings
from slipway.cli.client import Client
from slipway.core.naming import repository_twins, validation
from slipway.errors import InvalidInput

FILE_NAME = "slipway.toml"
"""As in `slipway.core.app_settings.model`, whose model of the file takes long to import."""


def which_app(client: Client, given: str | None) -> str:
    """The app's name.

    Raises:
        InvalidInput: nothing tells, or the repository has several apps; names them.
    """
    return named_here(given) or _from_remote(client)


def named_here(given: str | None) -> str:
    """The same, where the API need not be asked; empty when it has to be."""
    return given or settings.client()["app"] or _from_file(Path.cwd())


def origin() -> str:
    """The address of this folder's git remote `origin`; empty when there is none."""
    return _git("remote", "get-url", "--", "origin")


def _git(*arguments: str) -> str:
    """What git says of this folder; empty when it can't."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _from_file(folder: Path) -> str:
    for above in (folder, *folder.parents):
        path = above / FILE_NAME
        if path.is_file():
            try:
                return str(tomllib.loads(path.read_text()).get("app", ""))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise InvalidInput(f"{path}: {error}", remedy="fix it, or name the app: -a NAME") from None
        if (above / ".git").exists():
            break
    return ""


def _from_remote(client: Client) -> str:
    url = origin()
    if not url:
        raise InvalidInput("Which app?", remedy="name it: -a NAME, or go to its repository's folder")
    identity = validation.repository_identity(url)
    apps = [app for app in client.get("/apps")["apps"] if app["repository"]]
    found = _of_repository(apps, identity)
    if not found:
        raise InvalidInput(f"No app is made from {identity}.", remedy="slipway apps create NAME, or name one: -a NAME")
    if len(found) > 1:
        branch = _git("symbolic-ref", "--short", "HEAD")
        found = [app for app in found if app["branch"] == branch] or found
    if len(found) == 1:
        return str(found[0]["name"])
    names = ", ".join(sorted(app["name"] for app in found))
    raise InvalidInput(f"{identity} has several apps: {names}", remedy="name one: -a NAME")


def _of_repository(apps: list[dict[str, Any]], identity: str) -> list[dict[str, Any]]:
    """Those with the very address; else those with another of the same repository."""
    own = [(app, validation.repository_identity(app["repository"])) for app in apps]
    exact = [app for app, its in own if its == identity]
    return exact or [app for app, its in own if repository_twins.are_same(its, identity)]
