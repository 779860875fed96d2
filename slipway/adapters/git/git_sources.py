"""Fetches one commit, shallow, into memory, with git's own client and every optional feature switched off.

No credential is ever in an argument list, in a configuration file or in output. A token is passed in git's environment
(`GIT_CONFIG_*`), bound to the repository's own host (slipway/adapters/git/connection.py); a deploy key in an anonymous
file in memory.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import failures
from slipway.adapters.git.connection import connection
from slipway.adapters.git.difference import changed_files
from slipway.adapters.git.tree import LISTING, TreeSize
from slipway.adapters.linux import processes
from slipway.core.build import git_version
from slipway.core.naming import repository_address, validation
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.core.text.redaction import Redactor
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.ports.building import Branches, Commit, Repository, Stopped

log = logging.getLogger(__name__)

RESOLVE_TIMEOUT_S = 20.0
VERSION_TIMEOUT_S = 20.0
FETCH_TIMEOUT_S = 600.0
DEPTHS = (50, 1000, None)
_CONFIGURATION = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.alternateRefsCommand": "",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "init.defaultBranch": "main",
    "init.templateDir": "",
    "safe.directory": "*",
}
_HEADS = "refs/heads/"
_OVER_THE_NETWORK = frozenset({"fetch", "ls-remote"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Which repositories may be fetched, and how large they may be."""

    hosts: tuple[str, ...]
    """Hosts that may be cloned from; empty: any public one."""
    source_max_bytes: int


class GitSources:
    """`SourceFetcher` with git's client. The known SSH host keys are stored in `state_dir`."""

    def __init__(self, limits: Limits, state_dir: Path, outbound: Mapping[str, str]) -> None:
        self._limits = limits
        self._known_hosts = state_dir / "known_hosts"
        self._outbound = dict(outbound)

    def resolve(self, repository: Repository, ref: str) -> str | None:
        """The commit that a full ref, branch, tag or full commit id names now.

        Raises:
            DeploymentFailed: the repository can't be read.
        """
        names = _names(ref)
        with self._access(repository, None) as access:
            done = access.git(["ls-remote", "--quiet", "--", access.url, *names], timeout_s=RESOLVE_TIMEOUT_S)
        listed: dict[str, str] = {}
        for line in done.splitlines():
            commit, _, name = line.partition("\t")
            listed[name] = commit
        for name in names:
            if name in listed:
                return listed[name]
        return ref if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", ref) else None

    def branches(self, repository: Repository) -> Branches:
        """`SourceFetcher.branches`."""
        with self._access(repository, None) as access:
            asked = ["ls-remote", "--quiet", "--symref", "--", access.url, "HEAD", "refs/heads/*"]
            done = access.git(asked, timeout_s=RESOLVE_TIMEOUT_S)
        rows = [line.partition("\t") for line in done.splitlines()]
        names = [name.removeprefix(_HEADS) for _, _, name in rows if name.startswith(_HEADS)]
        heads = [target.removeprefix(f"ref: {_HEADS}") for target, _, name in rows if name == "HEAD"]
        return Branches(tuple(names), next((head for head in heads if head in names), ""))

    def fetch(self, repository: Repository, sha: str, into: Path, *, stopped: Stopped) -> Commit:
        """Write just this commit's files into the empty folder `into`; git's own data is removed again.

        Raises:
            DeploymentFailed: the repository or the commit can't be fetched, or is too large.
            Interrupted: `stopped` returned True.
        """
        sha = validation.commit_sha(sha)
        own = into.with_name(into.name + ".git")
        try:
            with self._access(repository, own, stopped) as access:
                access.git(["init", "--quiet", "--bare", "--", str(own)])
                self._get_commit(access, sha)
                access.git([*LISTING, sha], each=TreeSize(self._limits.source_max_bytes).add)
                access.git([f"--work-tree={into}", "checkout", "--quiet", "--force", "--detach", sha])
                return _commit(access.git(["log", "-1", "--format=%H%n%an%n%B", "HEAD"]), sha)
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def changed(self, repository: Repository, old: str, new: str, folder: Path, *, stopped: Stopped) -> frozenset[str]:
        """`SourceFetcher.changed`."""
        old, new, own = validation.commit_sha(old), validation.commit_sha(new), folder / "compared.git"
        try:
            with self._access(repository, own, stopped) as access:
                access.git(["init", "--quiet", "--bare", "--", str(own)])
                return changed_files(access, old, new, own / "listing")
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def _get_commit(self, access: _Access, sha: str) -> None:
        """Fetch the commit by its id; from a server that gives no commit by id, fetch more and more of the branches."""
        try:
            access.git(["fetch", "--quiet", "--depth=1", "--no-tags", "--", access.url, sha], timeout_s=FETCH_TIMEOUT_S)
        except DeploymentFailed as error:
            if error.reason != "commit-missing":
                raise
            self._get_branches(access, sha)

    def _get_branches(self, access: _Access, sha: str) -> None:
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

    def _access(self, repository: Repository, folder: Path | None, stopped: Stopped = processes.never) -> _Access:
        try:
            url = validation.repository_url(repository.url, self._limits.hosts)
        except InvalidInput as error:
            raise DeploymentFailed("clone-refused", error.message, remedy=error.remedy) from None
        return _Access(repository_address.parse(url), repository.credential, folder, self, stopped)

    def environment(
        self, address: RepositoryAddress, credential: str | None, key_file: Path | None, stopped: Stopped
    ) -> dict[str, str]:
        """The whole environment of git.

        Raises:
            DeploymentFailed: the host does not resolve, or to an address that is not allowed, or git is too old to be
                pinned to addresses.
            Interrupted: `stopped` returned True.
        """
        require_pinning()
        connected = connection(address, self._limits.hosts, self._outbound)
        return connected.environment(_CONFIGURATION, credential, key_file, self._known_hosts, stopped)

    @property
    def source_max_bytes(self) -> int:
        return self._limits.source_max_bytes


@functools.cache
def require_pinning() -> None:
    """Check once per process that git connects only to the addresses it is given.

    Raises:
        DeploymentFailed: git is missing, or would resolve the host's name again by itself.
    """
    try:
        said = processes.run(["git", "--version"], env={}, timeout_s=VERSION_TIMEOUT_S, has_children=False).output
    except OSError as error:
        raise failures.not_started(error) from None
    except processes.TimedOut:
        said = ""
    if not git_version.is_enough(said):
        raise failures.too_old(said)


class _Access:
    """git, with access to one repository. The file with a deploy key is closed at the end of the block."""

    def __init__(
        self,
        address: RepositoryAddress,
        credential: str | None,
        folder: Path | None,
        sources: GitSources,
        stopped: Stopped,
    ) -> None:
        self.url = address.url
        self._address = address
        self._credential = credential
        self._folder = folder
        self._sources = sources
        self._stopped = stopped
        self._key: int | None = None
        self._shown = failures.Credential.NONE
        self._environment: dict[str, str] = {}
        self._redactor = Redactor([credential] if credential else [])

    def __enter__(self) -> _Access:
        is_key = self._credential is not None and "PRIVATE KEY-----" in self._credential
        over_ssh = self._address.scheme == "ssh"
        if self._credential and is_key != over_ssh:
            raise DeploymentFailed(
                "clone-refused",
                "a deploy key belongs to an ssh address and a token to an https address; here they are mixed",
                remedy="give the address of the other kind: slipway apps set repository=git@host:owner/name.git\n"
                "or a credential for this one: slipway apps set --credential-file FILE",
            )
        if self._credential:
            self._shown = failures.Credential.KEY if is_key else failures.Credential.TOKEN
        if self._credential and is_key:
            self._key = _memory_file(self._credential)
        key_file = Path(f"/proc/{os.getpid()}/fd/{self._key}") if self._key is not None else None
        try:
            self._environment = self._sources.environment(self._address, self._credential, key_file, self._stopped)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._key is not None:
            os.close(self._key)
            self._key = None

    def git(self, arguments: list[str], *, timeout_s: float = 120.0, each: Callable[[str], None] | None = None) -> str:
        """Run git and return the end of its output; `each` is called with every line at once, and may raise.

        Raises:
            DeploymentFailed: git failed. The sentence has no credential in it.
        """
        over_the_network = arguments[0] in _OVER_THE_NETWORK
        folder = [f"--git-dir={self._folder}"] if self._folder and arguments[0] != "init" else []
        try:
            done = processes.run(
                ["git", *folder, *arguments],
                env=self._environment,
                timeout_s=timeout_s,
                stopped=self._stopped,
                output=each,
                file_size_bytes=self._sources.source_max_bytes,
                has_children=over_the_network,
            )
        except processes.TimedOut:
            raise DeploymentFailed(
                "clone-failed",
                f"{self._address.host} did not answer within {timeout_s:g} s"
                if over_the_network
                else f"git could not read the repository within {timeout_s:g} s",
                remedy="try again: slipway deploy",
            ) from None
        except OSError as error:
            raise failures.not_started(error) from None
        if done.code:
            raise self._failure(done.output, over_the_network)
        return done.output

    def has(self, sha: str) -> bool:
        try:
            self.git(["cat-file", "-e", f"{sha}^{{commit}}"])
        except DeploymentFailed:
            return False
        return True

    def _failure(self, output: str, over_the_network: bool) -> DeploymentFailed:
        said = self._redactor.text(output.strip())
        log.info("git failed", extra={"host": self._address.host, "said": said[-2000:]})
        if not over_the_network:
            return failures.of_reading(said)
        return failures.of_network(self._address.host, said, self._shown)


def _names(ref: str) -> list[str]:
    """The full refs that a ref may mean, the first that exists counts; `^{}` is the commit that a tag object points
    to."""
    if ref.startswith("refs/tags/"):
        return [f"{ref}^{{}}", ref]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]


def _commit(output: str, sha: str) -> Commit:
    head, author, message = (*output.split("\n", 2), "", "")[:3]
    if head != sha:
        raise DeploymentFailed("clone-failed", f"git checked out another commit than {sha[:7]}")
    return Commit(sha, message.strip()[:2000], author.strip()[:200])


def _memory_file(content: str) -> int:
    """A file that is on no disk and has no name, readable by the user of this process alone."""
    descriptor = os.memfd_create("deploy-key")
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, content.strip().encode() + b"\n")
    return descriptor
