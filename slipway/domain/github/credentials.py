"""With what an app reaches its repository's forge: the one place that says so, for clones, comments and reports alike.

The app's own credential goes first. Without one, a token of the GitHub App's installation does, if the tenant has
connected that installation and GitHub says that it has the repository.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from slipway.adapters.github.app_tokens import NotInstalled
from slipway.core.github import addresses
from slipway.core.github.app_events import InstallationState
from slipway.core.github.manifest import Purpose
from slipway.core.github.registration import Registration
from slipway.core.naming import repository_address, validation
from slipway.db import Database
from slipway.domain.github import installations
from slipway.domain.github.app import AppOfPlatform
from slipway.errors import DependencyUnavailable, GitHubRefused, InvalidInput, SettingsError, SlipwayError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CloneCredential:
    """What git is given."""

    value: str | None = field(default=None, repr=False)
    missing: SlipwayError | None = None
    """Why the App gave no token, for who reads that the repository is private."""


class ForgeCredentials:
    """`own` is always the app's own credential, opened: a token, a deploy key, or None."""

    def __init__(self, db: Database, app: AppOfPlatform) -> None:
        self._db = db
        self._app = app

    def for_clone(self, tenant_id: int, repository: str, own: str | None) -> CloneCredential:
        """The app's own credential of any kind, else a token that may read the repository. It may be public, so that
        none is no failure yet."""
        if own or not self._is_at_github(repository):
            return CloneCredential(own)
        try:
            return CloneCredential(self._token(tenant_id, repository, Purpose.FETCH))
        except (GitHubRefused, DependencyUnavailable, SettingsError) as error:
            log.info("no token of an installation", extra={"tenant": tenant_id, "why": error.message})
            return CloneCredential(missing=error)

    def for_api(self, tenant_id: int, repository: str, own: str | None, purpose: Purpose) -> str | None:
        """A token for the forge's API: the app's own, unless that is a key for ssh; else the installation's. None:
        there is neither.

        Raises:
            DependencyUnavailable: GitHub does not answer.
            GitHubRefused: the installation gives no token.
        """
        if own and "PRIVATE KEY-----" not in own:
            return own.partition(":")[2] or own
        try:
            return self._token(tenant_id, repository, purpose)
        except NotInstalled:
            return None

    def _token(self, tenant_id: int, repository: str, purpose: Purpose) -> str | None:
        """None: the platform has no App, or the tenant no installation at that account.

        Raises:
            NotInstalled: it has some, but none with this repository.
            DependencyUnavailable, GitHubRefused: as `for_api`.
        """
        tokens, registration = self._app.tokens, self._app.registration
        if tokens is None or registration is None:
            return None
        found = addresses.repository_at(registration.api, validation.repository_identity(repository))
        if found is None:
            return None
        with self._db.read(tenant_id=tenant_id) as session:
            connected = installations.connected_ids(session, tenant_id)
            state = installations.state_for(session, found[0])
        if state is not InstallationState.ACTIVE and state is not None:
            raise _unusable(registration, found[0], state)
        return tokens.token(*found, purpose, connected) if connected else None

    def _is_at_github(self, repository: str) -> bool:
        """Is it an address below GitHub's own? A token goes nowhere else, not even to another port of its host."""
        registration = self._app.registration
        if registration is None:
            return False
        try:
            address = repository_address.parse(repository)
        except InvalidInput:
            return False
        return f"{address.scheme}://{address.netloc}".lower() == registration.web_url.lower()


def _unusable(registration: Registration, account: str, state: InstallationState) -> GitHubRefused:
    if state is InstallationState.SUSPENDED:
        return GitHubRefused(
            f"the GitHub App's installation for {account} is suspended",
            remedy=f"who administers {account} has to unsuspend it: {registration.web_url}/settings/installations",
        )
    return GitHubRefused(
        f"the GitHub App was uninstalled from {account}",
        remedy=f"install it there again and connect it: {registration.install_url}",
    )
