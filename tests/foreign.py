"""`make foreign LIST=… FOLDER=… OUTPUT=…`: repositories of others, pushed as they are to a platform of their own, one
after the other, and what becomes of each.

`FOLDER` has their git folders, `owner+name` each (or `owner+name/repo`). `LIST` is TOML, with a table for each:

    [[repository]]
    name = "owner/name"
    commit = "…"                         # what of it is pushed; the head's without
    settings.build.context = "app"       # the app's own settings, as a user gives them
    variables.SECRET_KEY = "x"           # those that its documentation names
    languages = ["node"]                 # the base images that it needs, where no registry gives them

Neither is in this repository, and nothing of theirs is kept: the page docs/reference/foreign-repositories.md has the
outcomes of the last run. Rows are added to `OUTPUT` as JSON, a line each; a repository that has one is not tried again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.fixtures.engine import have_base_images
from tests.fixtures.stack import Checkout, Stack, running_stack
from tests.fixtures.waiting import eventually

LONGEST_S = 400
"""How long one may take from its push to its end, on an idle host."""


@dataclass(frozen=True)
class Foreign:
    """A row of the list."""

    name: str
    commit: str = "HEAD"
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()

    @property
    def app(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:40].rstrip("-")


@dataclass(frozen=True)
class Outcome:
    """A row of the output."""

    name: str
    commit: str
    found: str
    state: str
    seconds: float
    status: int = 0
    """Of the first answer at `/`; 0 where nothing is live."""
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    without: tuple[str, ...] = ()
    """Files that the git folder lacks."""


def git_folder(folder: Path, name: str) -> Path:
    """The git folder of a repository, wherever a copy of it has one."""
    base = folder / name.replace("/", "+")
    candidates = (base / "repo" / ".git", base / "repo", base / ".git", base)
    return next(each for each in candidates if (each / "objects").is_dir())


def write_tree(source: Path, commit: str, into: Path) -> tuple[str, tuple[str, ...]]:
    """Write the files of a commit; returns its id, and the files that can't be written since their content is not
    there."""
    into.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "GIT_INDEX_FILE": f"{scratch}/index"}

        def git(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
            argv = ["git", "-c", "core.bare=false", f"--git-dir={source}", f"--work-tree={into}", *arguments]
            return subprocess.run(argv, env=environment, capture_output=True, text=True, check=check, timeout=300)

        number = git("rev-parse", f"{commit}^{{commit}}").stdout.strip()
        git("read-tree", number)
        git("checkout-index", "--all", "--force", "--quiet", check=False)
        absent = git("ls-files", "--deleted", "-z").stdout.split("\0")
    return number, tuple(name for name in absent if name)


def push(stack: Stack, foreign: Foreign, folder: Path, name: str) -> str:
    """Make the app and push its files; returns the pushed commit."""
    repository = f"foreign/{foreign.app}"
    stack.forge.create_repository(repository)
    url = stack.forge.clone_url(repository)
    values = {"name": name, "repository": url, "settings": dict(foreign.settings), "hook": True}
    made = stack.call("POST", "/apps", values)
    stack.forge.add_hook(repository, made["hook"]["url"], made["hook"]["secret"], "json")
    pairs = [f"{key}={value}" for key, value in foreign.variables.items()]
    if pairs:
        stack.cli("env", "set", "-a", name, "--no-watch", *pairs)
        stack.cli("env", "set", "-a", name, "--build", *pairs)
    checkout = Checkout(folder, stack.forge.push_url(repository))
    checkout.run("init", "-q", "-b", "main")
    checkout.run("add", "--all", "--force")
    checkout.run("commit", "-q", "-m", foreign.name)
    checkout.push()
    return checkout.run("rev-parse", "HEAD")


def tried(stack: Stack, foreign: Foreign, folder: Path) -> Outcome:
    """What becomes of one repository."""
    began = time.monotonic()
    files = stack.state / "foreign" / foreign.app
    commit, without = write_tree(git_folder(folder, foreign.name), foreign.commit, files)
    have_base_images(stack.settings, foreign.languages)
    deployment = stack.deployment_of(foreign.app, push(stack, foreign, files, foreign.app))
    ended = stack.ended(deployment["id"], within_s=LONGEST_S)
    is_live = ended["state"] == "live"
    outcome = Outcome(
        name=foreign.name,
        commit=commit,
        found=_found(stack, ended),
        state=ended["state"],
        seconds=round(time.monotonic() - began, 1),
        status=_status(stack, foreign.app) if is_live else 0,
        reason=ended.get("reason") or "",
        detail=ended.get("detail") or "",
        remedy=ended.get("remedy") or "",
        without=without,
    )
    _remove(stack, foreign.app)
    return outcome


def _remove(stack: Stack, app: str) -> None:
    """Delete the app with its images, before the next one needs the room."""
    stack.cli("apps", "delete", app, "--confirm", app)
    eventually(
        lambda: not stack.containers(f"label=slipway.app={app}"), within_s=120, what="its containers are removed"
    )
    names = [name for name, _ in stack.images(f"slipway.app={app}")]
    subprocess.run([*stack.docker, "image", "rm", *names], capture_output=True, check=False, timeout=120)


def _found(stack: Stack, deployment: Mapping[str, Any]) -> str:
    """The template, as the deployment's log says it."""
    log = stack.cli("deployments", "log", str(deployment["id"]), check=False)
    match = re.search(r"; recognised: (\w+)", log)
    return match[1] if match else "static" if "[static] root" in log else "dockerfile" if "FROM " in log else ""


def _status(stack: Stack, app: str) -> int:
    try:
        return stack.get(app).status
    except (OSError, http.client.HTTPException):
        return 0


def read_list(path: Path) -> list[Foreign]:
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text())["repository"]
    return [Foreign(**{**row, "languages": tuple(row.get("languages", ()))}) for row in rows]


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.foreign", description=__doc__)
    for name in ("list", "folder", "output"):
        options.add_argument(name, type=Path)
    chosen = options.parse_args()
    known = {json.loads(line)["name"] for line in _lines(chosen.output)}
    wanted = [each for each in read_list(chosen.list) if each.name not in known]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the platform is removed then, too
    with running_stack(workers="1", build_timeout_s="1200") as stack:
        for foreign in wanted:
            outcome = _tried(stack, foreign, chosen.folder)
            with chosen.output.open("a") as output:
                output.write(f"{json.dumps(asdict(outcome))}\n")
            print(
                f"{outcome.state:9} {outcome.status:3} {outcome.seconds:6} s  {foreign.name}  {outcome.detail}",
                flush=True,
            )


def _tried(stack: Stack, foreign: Foreign, folder: Path) -> Outcome:
    """As `tried`; what goes wrong on the way is an outcome, too, and the next one is tried."""
    try:
        return tried(stack, foreign, folder)
    except (AssertionError, StopIteration, OSError, subprocess.SubprocessError) as error:
        return Outcome(foreign.name, foreign.commit, "", "error", 0, detail=str(error)[:2000])


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
