"""A commit's files in a folder, with those of its submodules and the contents that Git LFS keeps.

Each repository is fetched by an access of its own: its address is checked and pinned like the app's (decision 61).
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway.adapters.git import failures, folders
from slipway.adapters.git.access import Access
from slipway.adapters.git.tree import LISTING, Tree, TreeSize
from slipway.core.naming import repository_address
from slipway.core.sources import lfs, submodules
from slipway.core.sources.lfs import Pointer
from slipway.core.sources.submodules import Declared
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.ports.building import Commit, Interrupted, Repository, Stopped

FETCH_TIMEOUT_S = 600.0
DEPTHS = (50, 1000, None)
_SHOWN = 200
_OF_HOST = "the host's owner"
_SUBMODULE_REFUSED = (
    "correct its address in .gitmodules; if it is private: the app's credential has to be allowed to read it, and is "
    "used at the app's own host alone, for submodules that the app's own repository names"
)
_LEAVE_OUT = "if the app does not need it, leave it out: update = none in .gitmodules"
Opens = Callable[[Repository, Path], AbstractContextManager[Access]]
"""Access to a repository, with a folder for git's own data."""
FetchesContents = Callable[[Repository, str, list[Pointer], Path], None]
"""Writes LFS contents of a repository, with its credential, by its configured server, into files of a folder that are
called by their oid."""


@dataclass
class Checkout:
    """Of one commit of an app's repository."""

    app: Repository
    size: TreeSize
    opens: Opens
    fetches_contents: FetchesContents
    stopped: Stopped
    notes: list[str] = field(default_factory=list)
    """What was fetched besides the commit, and what was left out."""
    _submodules: int = 0

    def write(self, sha: str, into: Path) -> Commit:
        """Raises `DeploymentFailed`; `Interrupted` when the work has to stop."""
        return self._write(self.app, sha, into, into, 0)

    def _write(self, repository: Repository, sha: str, into: Path, base: Path, depth: int) -> Commit:
        own = base.with_name(f"{base.name}.git")
        try:
            with self.opens(repository, own) as access:
                tree = self._check_out(access, sha, into, own)
                commit = _commit(access.git(["log", "-1", "--format=%H%n%an%n%B", "HEAD"]), sha)
                named = _declared(access, sha, tree)
                self._write_contents(access, sha, tree, into, own, repository, depth)
        finally:
            shutil.rmtree(own, ignore_errors=True)
        for path, its_sha in self._wanted_submodules(tree, named).items():
            self._submodule(path, its_sha, named[path], repository, into, base, depth + 1)
        return Commit(commit.sha, commit.message, commit.author, tuple(self.notes))

    def _check_out(self, access: Access, sha: str, into: Path, own: Path) -> Tree:
        tree = Tree(self.size)
        access.git(["init", "--quiet", "--bare", "--", str(own)])
        _get_commit(access, sha)
        access.git([*LISTING, sha], each=tree.add)
        access.git([f"--work-tree={into}", "checkout", "--quiet", "--force", "--detach", sha])
        return tree

    # submodules

    def _wanted_submodules(self, tree: Tree, named: Mapping[str, Declared]) -> dict[str, str]:
        """One note for those that are not named, and one for those that are left out: a commit may have very many."""
        wanted, unnamed, left_out = {}, [], []
        for path, sha in tree.submodules.items():
            declared = named.get(path)
            if declared is None or not declared.url:
                unnamed.append(path)
            elif declared.is_wanted:
                wanted[path] = sha
            else:
                left_out.append(path)
        if unnamed:
            stay = "their folders stay" if unnamed[1:] else "its folder stays"
            self.notes.append(f"{_counted(unnamed)} .gitmodules does not name: {stay} empty")
        if left_out:
            self.notes.append(f"{_counted(left_out)} .gitmodules leaves out: update = none")
        return wanted

    def _submodule(
        self, path: str, sha: str, named: Declared, parent: Repository, into: Path, base: Path, depth: int
    ) -> None:
        self._submodules += 1
        if depth > submodules.DEEPEST or self._submodules > submodules.MOST:
            raise _too_many()
        if not folders.is_empty(into, path):
            raise DeploymentFailed("clone-refused", f"the submodule {_shown(path)} has no folder of its own")
        self._fetch_submodule(path, sha, named, parent, into, base, depth)

    def _fetch_submodule(
        self, path: str, sha: str, named: Declared, parent: Repository, into: Path, base: Path, depth: int
    ) -> None:
        try:
            repository = self._repository(named.url, parent, depth)
            self.notes.append(f"fetching the submodule {_shown(path)} at {sha[:7]} from {repository.url}")
            self._write(repository, sha, into / path, base, depth)
        except InvalidInput as error:
            raise _of_submodule(path, DeploymentFailed("clone-refused", error.message, remedy=error.remedy)) from None
        except DeploymentFailed as error:
            raise (error if error.reason == "source-too-large" else _of_submodule(path, error)) from None

    def _repository(self, url: str, parent: Repository, depth: int) -> Repository:
        """With the app's credential where it is of the app's own host, and the app's own repository names it in a
        commit of its own."""
        app = repository_address.parse(self.app.url)
        found = submodules.address(url, repository_address.parse(parent.url), app)
        may_use = not self.app.is_for_strangers and submodules.gets_credential(found, app, depth)
        return Repository(found.url, self.app.credential if may_use else None)

    # contents of LFS

    def _write_contents(
        self, access: Access, sha: str, tree: Tree, into: Path, own: Path, repository: Repository, depth: int
    ) -> None:
        """Put each content in its pointer's place."""
        pointers = _pointers(access, into) if tree.has_attributes else {}
        configured, excluded = _lfs_settings(access, sha) if pointers and lfs.CONFIG_FILE in tree.files else ("", "")
        wanted = self._wanted_contents(pointers, excluded)
        if not wanted:
            return
        for pointer in wanted.values():
            self.size.add(pointer.size, entries=0)
        self.notes.append(f"fetching {len(wanted)} of {len(pointers)} files that Git LFS keeps")
        kept = own / "contents"
        kept.mkdir()
        may_use = (depth == 0 and not self.app.is_for_strangers) or lfs.is_beside(access.address, configured)
        asked = repository if may_use else replace(repository, credential=None)
        self.fetches_contents(asked, configured, list(wanted.values()), kept)
        _put_in_place(into, wanted, kept)

    def _wanted_contents(self, pointers: Mapping[str, Pointer], excluded: str) -> dict[str, Pointer]:
        try:
            patterns = lfs.exclusions(excluded)
        except InvalidInput as error:
            raise DeploymentFailed("clone-refused", error.message, remedy=error.remedy) from None
        wanted = {}
        for path, pointer in pointers.items():
            if self.stopped():
                raise Interrupted
            if lfs.is_wanted(path, patterns):
                wanted[path] = pointer
        return wanted


def _declared(access: Access, sha: str, tree: Tree) -> dict[str, Declared]:
    if not tree.submodules or submodules.FILE_NAME not in tree.files:
        return {}
    entries: list[str] = []
    access.git(["config", f"--blob={sha}:{submodules.FILE_NAME}", "--list"], each=entries.append)
    return dict(submodules.declared(entries))


def _lfs_settings(access: Access, sha: str) -> tuple[str, str]:
    """Its server, empty for the usual one, and what is not fetched."""
    entries: list[str] = []
    access.git(["config", f"--blob={sha}:{lfs.CONFIG_FILE}", "--list"], each=entries.append)
    found = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return found.get("lfs.url", ""), found.get("lfs.fetchexclude", "")


def _pointers(access: Access, into: Path) -> dict[str, Pointer]:
    """Files that have the attribute, and a pointer for content."""
    listed: list[str] = []
    access.git([f"--work-tree={into}", "ls-files", "--", ":(top,attr:filter=lfs)"], each=listed.append)
    found = {}
    for name in listed:
        path = os.fsdecode(lfs.unquoted(name))
        pointer = lfs.pointer_of(_beginning(into, path))
        if pointer:
            found[path] = pointer
    return found


def _beginning(root: Path, path: str) -> bytes:
    """Of a regular file; empty when there is none, or its path has a link."""
    folder, _, name = path.rpartition("/")
    try:
        with folders.opened(root, folder) as parent:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(lfs.LONGEST_POINTER_BYTES + 1)
    except OSError:
        return b""


def _put_in_place(root: Path, pointers: Mapping[str, Pointer], kept: Path) -> None:
    """Several files may have one content: the last of them gets the file itself, so that memory holds it once less."""
    left = Counter(pointer.oid for pointer in pointers.values())
    for path, pointer in pointers.items():
        left[pointer.oid] -= 1
        content = kept / pointer.oid
        _replace(root, path, shutil.copyfile(content, kept / "copy") if left[pointer.oid] else content)


def _replace(root: Path, path: str, content: Path) -> None:
    """With the mode that the pointer had."""
    folder, _, name = path.rpartition("/")
    with folders.opened(root, folder) as parent:
        content.chmod(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o777)
        os.replace(content, name, dst_dir_fd=parent)


# commits


def _get_commit(access: Access, sha: str) -> None:
    """Fetch the commit by its id; from a server that gives no commit by id, fetch more and more of the branches."""
    try:
        access.git(["fetch", "--quiet", "--depth=1", "--no-tags", "--", access.url, sha], timeout_s=FETCH_TIMEOUT_S)
    except DeploymentFailed as error:
        if error.reason != "commit-missing":
            raise
        _get_branches(access, sha)


def _get_branches(access: Access, sha: str) -> None:
    for depth in DEPTHS:
        deeper = [f"--depth={depth}"] if depth else ["--unshallow"]
        refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        fetch = ["fetch", "--quiet", "--force", *deeper, "--", access.url, *refs]
        try:
            access.git(fetch, timeout_s=FETCH_TIMEOUT_S)
        except DeploymentFailed as error:
            if depth is not None or error.reason != "commit-missing":
                raise
        if access.has(sha):
            return
    raise failures.absent_commit(f"{sha} on any branch or tag")


def _commit(output: str, sha: str) -> Commit:
    head, author, message = (*output.split("\n", 2), "", "")[:3]
    if head != sha:
        raise DeploymentFailed("clone-failed", f"git checked out another commit than {sha[:7]}")
    return Commit(sha, message.strip()[:2000], author.strip()[:200])


# sentences


def _shown(path: str) -> str:
    return os.fsencode(path).decode(errors="replace")[:_SHOWN]


def _counted(paths: list[str]) -> str:
    first = _shown(paths[0])
    return f"{first} and {len(paths) - 1} more are submodules that" if paths[1:] else f"{first} is a submodule that"


def _too_many() -> DeploymentFailed:
    return DeploymentFailed(
        "source-too-large",
        f"the commit has more than {submodules.MOST} submodules, or submodules of submodules more than "
        f"{submodules.DEEPEST} deep",
        remedy=_LEAVE_OUT,
    )


def _of_submodule(path: str, error: DeploymentFailed) -> DeploymentFailed:
    """An error of a nested one names all of them, from the outside to the inside."""
    is_of_host = _OF_HOST in error.remedy or _LEAVE_OUT in error.remedy
    remedy = _SUBMODULE_REFUSED if error.reason == "clone-refused" and not is_of_host else error.remedy
    lines = [line for line in remedy.splitlines() if line != _LEAVE_OUT]
    return DeploymentFailed(
        error.reason,
        f"the submodule {_shown(path)}: {error.message}",
        remedy="\n".join([*lines, _LEAVE_OUT]),
        tail=error.tail,
    )
