"""Repositories that an installation of the platform's GitHub App may read, without a credential of the app's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from slipway import settings
from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.domain.github.app import AppOfPlatform
from slipway.domain.github.credentials import ForgeCredentials
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.ports.building import Branches, Commit, Repository, SourceFetcher, Stopped
from slipway.settings import Settings

Result = TypeVar("Result")
_REFUSED = "clone-refused"


class InstallationSources:
    """`SourceFetcher` that gives another one the token of an installation, where the app has no credential."""

    def __init__(self, inner: SourceFetcher, credentials: ForgeCredentials) -> None:
        self._inner = inner
        self._credentials = credentials

    def resolve(self, repository: Repository, ref: str) -> str | None:
        """`SourceFetcher.resolve`."""
        return self._with_token(repository, lambda of: self._inner.resolve(of, ref))

    def branches(self, repository: Repository) -> Branches:
        """`SourceFetcher.branches`."""
        return self._with_token(repository, self._inner.branches)

    def fetch(self, repository: Repository, sha: str, into: Path, *, stopped: Stopped) -> Commit:
        """`SourceFetcher.fetch`."""
        return self._with_token(repository, lambda of: self._inner.fetch(of, sha, into, stopped=stopped))

    def changed(self, repository: Repository, old: str, new: str, folder: Path, *, stopped: Stopped) -> frozenset[str]:
        """`SourceFetcher.changed`."""
        return self._with_token(repository, lambda of: self._inner.changed(of, old, new, folder, stopped=stopped))

    def _with_token(self, repository: Repository, do: Callable[[Repository], Result]) -> Result:
        found = self._credentials.for_clone(repository.tenant_id, repository.url, repository.credential)
        try:
            return do(replace(repository, credential=found.value))
        except DeploymentFailed as error:
            if found.missing is None or error.reason != _REFUSED:
                raise
            raise _with_cause(error, found.missing) from error


def _with_cause(error: DeploymentFailed, missing: SlipwayError) -> DeploymentFailed:
    """The repository is private, or not there: why the App gave no token comes first in the remedy."""
    remedy = "\n".join(filter(None, [missing.remedy, error.remedy]))
    return DeploymentFailed(error.reason, f"{error.message}; {missing.message}", remedy=remedy, tail=error.tail)


def installation_sources(chosen: Settings, db: Database, vault: Vault) -> InstallationSources:
    """git's own client, with the installations of this platform's App. `vault` is that of values."""
    inner = GitSources(Limits(chosen.git_hosts, chosen.source_max_bytes), chosen.state_dir, settings.outbound())
    return InstallationSources(inner, ForgeCredentials(db, AppOfPlatform(db, chosen, vault)))
