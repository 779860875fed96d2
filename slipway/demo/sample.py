"""The sample repository that the demo pushes: one of `examples/`, each time with the next version."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slipway.demo.forge.bare import git_environment
from slipway.errors import SlipwayError

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """A folder of `examples/`; the app and its repository have the same name. Its new version is seen at `path`."""

    name: str
    path: str = "/"
    shows: str = ""
    """The text that is answered there; `{}` is the version. Empty: any answer is right."""
    subject: str = "Version {}"
    is_private: bool = False
    """Only members of the app's tenant may see it."""

    @property
    def source(self) -> Path:
        return _EXAMPLES / self.name


EXAMPLES = {
    each.name: each
    for each in (
        Example("hello", shows='id="version">{}<', subject="Say hello, version {}"),
        Example("static", path="/VERSION", shows="{}\n"),
        Example("dockerfile"),
        Example("private", shows='id="version">{}<', subject="For members only, version {}", is_private=True),
    )
}


class GitFailed(SlipwayError):
    code = "git-failed"


@dataclass(frozen=True, slots=True)
class Pushed:
    commit: str
    subject: str
    version: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A working copy at `folder`. Its branch is `main`."""

    folder: Path
    example: Example

    def commit_next_version(self, push_url: str) -> Pushed:
        """Commit the sample's files of now as the version after the one that `push_url` has, and push it.

        Raises:
            GitFailed: git says no; carries what it printed.
        """
        known = self._catch_up(push_url)
        shutil.copytree(
            self.example.source, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
        version = str(known + 1)
        (self.folder / "VERSION").write_text(f"{version}\n")
        subject = self.example.subject.format(version)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", subject)
        self._git("push", "--quiet", push_url, "HEAD:refs/heads/main")
        return Pushed(self._git("rev-parse", "HEAD"), subject, version)

    def _catch_up(self, push_url: str) -> int:
        """Check out the pushed branch into an empty folder; returns how many commits it has."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        if not self._git("ls-remote", "--heads", push_url, "refs/heads/main"):
            return 0
        self._git("fetch", "--quiet", push_url, "refs/heads/main")
        self._git("update-ref", "refs/heads/main", "FETCH_HEAD")
        return int(self._git("rev-list", "--count", "HEAD"))

    def _git(self, *argv: str) -> str:
        who = {"GIT_AUTHOR_NAME": "Demo", "GIT_AUTHOR_EMAIL": "demo@localhost"}
        who |= {"GIT_COMMITTER_NAME": "Demo", "GIT_COMMITTER_EMAIL": "demo@localhost"}
        command = ["git", "-C", str(self.folder), *argv]
        outcome = subprocess.run(
            command, env=git_environment() | who, capture_output=True, text=True, timeout=60, check=False
        )
        if outcome.returncode:
            raise GitFailed(f"git {argv[0]} failed: {outcome.stderr.strip()[-500:]}")
        return outcome.stdout.strip()
