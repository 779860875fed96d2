"""The GitHub App of this platform: of the settings, or the one that was registered at the console."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import delete, select

from slipway.adapters.github.app_tokens import InstallationTokens
from slipway.adapters.vault import Vault
from slipway.core.github.registration import Registration
from slipway.db import Database
from slipway.errors import NotFound, SettingsError, SlipwayError
from slipway.models import GitHubApp
from slipway.settings import Settings

log = logging.getLogger(__name__)

READ_AGAIN_S = 30.0
"""Somebody may register the App meanwhile, or another one."""
PLACE = "github-app"
_WHY = "the platform's GitHub App"


class AppOfPlatform:
    """What processes that open apps' values know of the App. `vault` is that of values."""

    def __init__(
        self, db: Database, settings: Settings, vault: Vault, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._tokens: InstallationTokens | None = None
        self._registration: Registration | None = None

    @property
    def registration(self) -> Registration | None:
        """None: the platform has no App."""
        with self._lock:
            self._read_again()
            return self._registration

    @property
    def tokens(self) -> InstallationTokens | None:
        """Those of its installations; None: the platform has no App."""
        with self._lock:
            self._read_again()
            return self._tokens

    def require(self) -> Registration:
        """Raises `NotFound`: the platform has none."""
        found = self.registration
        if found is None:
            raise NotFound("this platform has no GitHub App", remedy="its owner registers one: slipway github app")
        return found

    def forget(self) -> None:
        """It was registered anew, or removed."""
        with self._lock:
            self._read_at = None

    def _read_again(self) -> None:
        if self._read_at is not None and self._clock() < self._read_at + READ_AGAIN_S:
            return
        try:
            found = of_settings(self._settings) or self._of_database()
        except SlipwayError as error:  # whoever does not use the App is not kept from anything
            log.warning("the GitHub App can't be used", extra={"why": error.message})
            found = None
        if found != self._registration:
            self._registration = found
            self._tokens = InstallationTokens(found) if found else None
        self._read_at = self._clock()

    def _of_database(self) -> Registration | None:
        with self._db.read(platform=_WHY) as session:
            row = session.scalars(select(GitHubApp)).first()
        if row is None:
            return None
        opened = self._vault.open
        return Registration(
            app_id=row.app_id,
            api=row.api,
            slug=row.slug,
            client_id=row.client_id,
            client_secret=opened(row.sealed_client_secret, PLACE, row.app_id, "client-secret"),
            key=opened(row.sealed_key, PLACE, row.app_id, "key"),
        )


def of_settings(settings: Settings) -> Registration | None:
    """Raises `SettingsError`: its key's file can't be read."""
    if not settings.github_app_id:
        return None
    try:
        key = Path(settings.github_app_key).read_text()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"SLIPWAY_GITHUB_APP_KEY can't be read: {type(error).__name__}",
            remedy="name the PEM file that GitHub made for the App",
        ) from error
    return Registration(
        app_id=settings.github_app_id,
        api=settings.github_api.rstrip("/"),
        slug=settings.github_app_slug,
        client_id=settings.github_app_client_id,
        client_secret=settings.github_app_client_secret,
        key=key,
    )


def keep(db: Database, values: Vault, hooks: Vault, registration: Registration, webhook_secret: str) -> None:
    """In place of the one before. Its webhook secret is sealed with the key of `hooks`, which the webhook has."""
    app_id = registration.app_id
    row = GitHubApp(
        app_id=app_id,
        api=registration.api,
        slug=registration.slug,
        client_id=registration.client_id,
        sealed_client_secret=values.seal(registration.client_secret, PLACE, app_id, "client-secret"),
        sealed_key=values.seal(registration.key, PLACE, app_id, "key"),
        sealed_webhook_secret=hooks.seal(webhook_secret, PLACE, app_id),
    )
    with db.write(platform=_WHY) as session:
        session.execute(delete(GitHubApp))
        session.add(row)


def webhook_secrets(db: Database, settings: Settings, hooks: Vault) -> list[str]:
    """What the App's deliveries may be signed with; empty: there is no App."""
    if settings.github_app_webhook_secret:
        return [settings.github_app_webhook_secret]
    with db.read(platform=_WHY) as session:
        row = session.scalars(select(GitHubApp)).first()
    return [hooks.open(row.sealed_webhook_secret, PLACE, row.app_id)] if row else []


def api_of(db: Database, settings: Settings) -> str:
    """The address of the API of the GitHub that has the App; empty: there is none."""
    if settings.github_app_id:
        return settings.github_api.rstrip("/")
    with db.read(platform=_WHY) as session:
        return session.scalar(select(GitHubApp.api)) or ""
