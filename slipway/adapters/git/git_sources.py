"""Fetches one commit, shallow, into memory, with git's own client (slipway/adapters/git/access.py)."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git.access import CONFIGURATION, Access, holds_key, require_pinning
from slipway.adapters.git.checkout import Checkout, FetchesContents
from slipway.adapters.git.connection import connection
from slipway.adapters.git.difference import changed_files
from slipway.adapters.git.tree import TreeSize
from slipway.adapters.linux import processes
from slipway.core.naming import repository_address, validation
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.core.sources.lfs import Pointer
from slipway.errors import DeploymentFailed, InvalidInput
from slipway.ports.building import Branches, Commit, Repository, Stopped

RESOLVE_TIMEOUT_S = 20.0
_HEADS = "refs/heads/"


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
        """Write just this commit's files into the empty folder `into`, with those of its submodules and the contents
        that LFS keeps; git's own data is removed again.

        Raises:
            DeploymentFailed: the repository or the commit can't be fetched, or is too large.
            Interrupted: `stopped` returned True.
        """
        checkout = Checkout(
            repository,
            TreeSize(self._limits.source_max_bytes),
            lambda of, own: self._access(of, own, stopped),
            self._contents(repository, stopped),
            stopped,
        )
        return checkout.write(validation.commit_sha(sha), into)

    def changed(self, repository: Repository, old: str, new: str, folder: Path, *, stopped: Stopped) -> frozenset[str]:
        """`SourceFetcher.changed`."""
        old, new, own = validation.commit_sha(old), validation.commit_sha(new), folder / "compared.git"
        try:
            with self._access(repository, own, stopped) as access:
                access.git(["init", "--quiet", "--bare", "--", str(own)])
                return changed_files(access, old, new, own / "listing")
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def _contents(self, repository: Repository, stopped: Stopped) -> FetchesContents:
        """What fetches a repository's contents of LFS: with the token that it is fetched with, if it has one, at the
        app's own host."""

        def fetch(of: Repository, configured: str, pointers: list[Pointer], into: Path) -> None:
            from slipway.adapters.git import lfs_contents  # noqa: PLC0415 - HTTP's client, which few commits need

            app, until = repository_address.parse(repository.url), time.monotonic() + lfs_contents.ALL_TIMEOUT_S
            credential = None if holds_key(of.credential) else of.credential
            lfs_contents.LfsContents(self._limits.hosts, self._outbound, app, credential, stopped, until).fetch(
                repository_address.parse(of.url), configured, pointers, into
            )

        return fetch

    def _access(self, repository: Repository, folder: Path | None, stopped: Stopped = processes.never) -> Access:
        try:
            url = validation.repository_url(repository.url, self._limits.hosts)
        except InvalidInput as error:
            raise DeploymentFailed("clone-refused", error.message, remedy=error.remedy) from None
        return Access(repository_address.parse(url), repository.credential, folder, self, stopped)

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
        return connected.environment(CONFIGURATION, credential, key_file, self._known_hosts, stopped)

    @property
    def source_max_bytes(self) -> int:
        return self._limits.source_max_bytes


def _names(ref: str) -> list[str]:
    """The full refs that a ref may mean, the first that exists counts; `^{}` is the commit that a tag object points
    to."""
    if ref.startswith("refs/tags/"):
        return [f"{ref}^{{}}", ref]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]
