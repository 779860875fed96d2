"""A bare repository and what a push changed in it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.demo.forge import payloads
from slipway.demo.forge.payloads import MAX_COMMITS, NULL_SHA

_MARK = "\x01"
_FIELDS = ("%H", "%T", "%cI", "%an", "%ae", "%cn", "%ce", "%B")
_CONFIG = {
    # GitHub serves any object it has, by its full id
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowReachableSHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "receive.fsckObjects": "true",
    "receive.autogc": "false",
    # objects stay after a forced push or a deleted branch, as they do at GitHub
    "gc.auto": "0",
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "i18n.logOutputEncoding": "UTF-8",
}


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref that a push changed; the null SHA stands for "not there"."""

    ref: str
    before: str
    after: str


def git_environment() -> dict[str, str]:
    """The environment git runs in: no configuration of this host or its user, no questions."""
    return {
        "PATH": os.defpath,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


def updates(before: Mapping[str, str], after: Mapping[str, str]) -> list[RefUpdate]:
    """What changed between two looks at all refs, in the order of their names."""
    return [
        RefUpdate(ref, before.get(ref, NULL_SHA), after.get(ref, NULL_SHA))
        for ref in sorted({*before, *after})
        if before.get(ref) != after.get(ref)
    ]


class BareRepository:
    """Read and prepare a bare repository through the `git` binary."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, default_branch: str) -> None:
        self.path.mkdir(parents=True)
        self._git("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}")
        for key, value in _CONFIG.items():
            self._git("config", key, value)

    def refs(self) -> dict[str, str]:
        """Branches and tags: full name → object id."""
        listing = self._git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
        return {ref: sha for sha, _, ref in (line.partition(" ") for line in listing.splitlines())}

    @property
    def default_branch(self) -> str:
        return self._git("symbolic-ref", "HEAD").strip().removeprefix("refs/heads/")

    def adopt_default_branch(self, refs: Mapping[str, str]) -> None:
        """The first branch that is pushed becomes the default when the default itself is not there."""
        branches = [ref for ref in refs if ref.startswith("refs/heads/")]
        if branches and f"refs/heads/{self.default_branch}" not in refs:
            self._git("symbolic-ref", "HEAD", branches[0])

    def has_commit(self, sha: str) -> bool:
        return bool(re.fullmatch(r"[0-9a-f]{40}", sha)) and self._succeeds("cat-file", "-e", f"{sha}^{{commit}}")

    def peel(self, sha: str) -> str:
        """The commit that an object names (an annotated tag's, or itself)."""
        return self._git("rev-parse", "--verify", "--end-of-options", f"{sha}^{{commit}}").strip()

    def parent(self, sha: str) -> str:
        """The first parent, the null SHA for a root commit."""
        return (
            self._git("log", "--max-count=1", "--format=%P", "--end-of-options", sha).split(" ")[0].strip() or NULL_SHA
        )

    def is_ancestor(self, older: str, newer: str) -> bool:
        return self._succeeds("merge-base", "--is-ancestor", older, newer)

    def describe(self, update: RefUpdate, known: Mapping[str, str], html_url: str) -> dict[str, Any]:
        """What `payloads.push` needs to know of one update. `known` are all refs before it."""
        if update.after == NULL_SHA:
            return {}
        head = self.peel(update.after)
        new = self._commits(head, known.values(), html_url)
        fresh = {entry["id"] for entry in new}
        commits, forced = new, False
        if update.ref.startswith("refs/tags/"):
            commits = []
            forced = update.before != NULL_SHA
        elif update.before != NULL_SHA:
            commits = self._commits(head, [update.before], html_url)
            forced = not self.is_ancestor(update.before, head)
        for entry in commits:
            entry["distinct"] = entry["id"] in fresh
        head_commit = self.commit(head, html_url) | {"distinct": head in fresh}
        return {
            "commits": commits,
            "head_commit": head_commit,
            "forced": forced,
            "base_ref": self._base_ref(update, head, known),
        }

    def commit(self, sha: str, html_url: str) -> dict[str, Any]:
        return next(self._log(html_url, "--max-count=1", "--end-of-options", sha))

    def _commits(self, head: str, without: Iterable[str], html_url: str) -> list[dict[str, Any]]:
        """Commits reachable from `head` and from none of `without`, oldest first, the newest 2048."""
        bounds = [f"^{sha}" for sha in dict.fromkeys(without)]
        argv = ("--topo-order", "--reverse", f"--max-count={MAX_COMMITS}", "--stdin")
        return list(self._log(html_url, *argv, stdin="\n".join([head, *bounds]) + "\n"))

    def _log(self, html_url: str, *argv: str, stdin: str = "") -> Iterator[dict[str, Any]]:
        wanted = f"--format={_MARK}%x00" + "%x00".join(_FIELDS) + "%x00"
        text = self._git("log", "-z", "--name-status", "--no-renames", "--diff-merges=first-parent", wanted, *argv,
                         stdin=stdin)  # fmt: skip
        yield from _entries(iter(text.split("\0")), html_url)

    @staticmethod
    def _base_ref(update: RefUpdate, head: str, known: Mapping[str, str]) -> str | None:
        if update.before != NULL_SHA:
            return None
        same = [ref for ref, sha in known.items() if sha == head and ref.startswith("refs/heads/")]
        return same[0] if same else None

    def _succeeds(self, *argv: str) -> bool:
        return self._run(argv, "").returncode == 0

    def _git(self, *argv: str, stdin: str = "") -> str:
        outcome = self._run(argv, stdin)
        outcome.check_returncode()
        return outcome.stdout.decode(errors="replace")

    def _run(self, argv: Sequence[str], stdin: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", f"--git-dir={self.path}", *argv]
        return subprocess.run(command, input=stdin.encode(), capture_output=True, check=False, env=git_environment())


def _entries(tokens: Iterator[str], html_url: str) -> Iterator[dict[str, Any]]:
    """Read `git log -z --name-status`: a mark, the fields, then status and path by turns."""
    entry: dict[str, Any] | None = None
    kinds = {"A": "added", "D": "removed"}
    for token in tokens:
        if token == _MARK:
            if entry:
                yield entry
            entry = _entry([next(tokens) for _ in _FIELDS], html_url)
        elif entry and token.strip():
            entry[kinds.get(token.strip()[0], "modified")].append(next(tokens))
    if entry:
        yield entry


def _entry(fields: list[str], html_url: str) -> dict[str, Any]:
    sha, tree, timestamp, author, author_email, committer, committer_email, message = fields
    return payloads.commit(
        sha,
        tree_id=tree,
        url=f"{html_url}/commit/{sha}",
        message=message.rstrip("\n"),
        timestamp=timestamp,
        author={"name": author, "email": author_email},
        committer={"name": committer, "email": committer_email},
    )
