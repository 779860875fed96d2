"""The App's own token, signed with its private key, and those of its installations.

A token of an installation is of one repository and for one purpose, and may do nothing else there. It is kept until
shortly before it ends; several that want the same one at once wait for one call of GitHub.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from slipway.adapters.github.api import GitHubApi
from slipway.core.github import app_token
from slipway.core.github.manifest import PERMISSIONS, Purpose
from slipway.core.github.registration import Registration
from slipway.errors import GitHubRefused, SettingsError

MOST_KEPT = 1000
Clock = Callable[[], float]
_Key = tuple[int, str, str, Purpose]


class NotInstalled(GitHubRefused):
    """The App is not installed where the repository is, or the tenant has not connected that installation."""

    code = "github-not-installed"
    status = 409


@dataclass(frozen=True, slots=True)
class InstallationToken:
    value: str = field(repr=False)
    installation_id: int
    until_s: float
    """Unix seconds."""


def app_jwt(registration: Registration, clock: Clock = time.time) -> str:
    """The App's own token.

    Raises:
        SettingsError: the private key is none.
    """
    from joserfc import jwt  # noqa: PLC0415 - only where there is an App
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    claims = app_token.claims(str(registration.app_id), int(clock()))
    try:
        key = RSAKey.import_key(registration.key)
        return jwt.encode({"alg": app_token.ALGORITHM}, claims, key, algorithms=[app_token.ALGORITHM])
    except (JoseError, ValueError) as error:
        raise SettingsError(
            "the GitHub App's private key can't be read", remedy="make a new one on the App's page at GitHub"
        ) from error


class InstallationTokens:
    """Of one App."""

    def __init__(self, registration: Registration, clock: Clock = time.time) -> None:
        self._registration = registration
        self._api = GitHubApi(registration.api)
        self._clock = clock
        self._kept: dict[_Key, InstallationToken] = {}
        self._lock = threading.Lock()
        self._asking: defaultdict[_Key, threading.Lock] = defaultdict(threading.Lock)

    def token(self, owner: str, name: str, purpose: Purpose, connected: Collection[int]) -> str:
        """A token of the repository, if its installation is one of those that the tenant has `connected`.

        Raises:
            NotInstalled: it is none of them.
            GitHubRefused: the installation is suspended, or may not do this.
            DependencyUnavailable: GitHub does not answer.
        """
        at = owner.lower(), name.lower(), purpose
        for installation_id in connected:
            if found := self._fresh((installation_id, *at)):
                return found.value
        installation_id = self._installation_of(owner, name)
        if installation_id not in connected:
            raise self._not_installed(owner, name)
        key = installation_id, *at
        with self._asking_lock(key):
            found = self._fresh(key) or self._keep(key, self._ask(installation_id, name, purpose))
        return found.value

    def forget(self, token: str) -> None:
        """GitHub takes it no more."""
        with self._lock:
            self._kept = {key: each for key, each in self._kept.items() if each.value != token}

    def _fresh(self, key: _Key) -> InstallationToken | None:
        with self._lock:
            found = self._kept.get(key)
        return found if found is not None and found.until_s > self._clock() else None

    def _asking_lock(self, key: _Key) -> threading.Lock:
        with self._lock:
            return self._asking[key]

    def _keep(self, key: _Key, token: InstallationToken) -> InstallationToken:
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
                self._asking.clear()
            self._kept[key] = token
        return token

    def _installation_of(self, owner: str, name: str) -> int:
        try:
            found = self._api.call("GET", f"/repos/{owner}/{name}/installation", self._own_token())
        except GitHubRefused as error:
            if error.details.get("answered") in (301, 307, 404):
                raise self._not_installed(owner, name) from None
            raise
        return _id_of(found)

    def _ask(self, installation_id: int, name: str, purpose: Purpose) -> InstallationToken:
        wanted = {"repositories": [name], "permissions": dict(PERMISSIONS[purpose])}
        path = f"/app/installations/{installation_id}/access_tokens"
        try:
            answered = self._api.call("POST", path, self._own_token(), wanted)
            until_s = app_token.usable_until_s(answered["expires_at"])
            return InstallationToken(str(answered["token"]), installation_id, until_s)
        except GitHubRefused as error:
            raise GitHubRefused(
                f"{error.message}: the App's installation gives no token for this repository",
                remedy=f"see whether it is suspended: {self._registration.settings_url(installation_id)}",
                **error.details,
            ) from None
        except (KeyError, TypeError, ValueError) as error:
            raise GitHubRefused("GitHub answers with no token") from error

    def _own_token(self) -> str:
        return app_jwt(self._registration, self._clock)

    def _not_installed(self, owner: str, name: str) -> NotInstalled:
        return NotInstalled(
            f"the GitHub App is not connected for {owner}/{name}",
            remedy=f"install it there and connect it: {self._registration.install_url}",
        )


def _id_of(found: Any) -> int:
    value = found.get("id") if isinstance(found, dict) else None
    if not isinstance(value, int):
        raise GitHubRefused("GitHub answers with no installation")
    return value
