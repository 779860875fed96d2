"""Which of Keycloak's clients acts for Slipway, and the files with their secrets. Imports nothing of Keycloak's."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway.errors import SettingsError
from slipway.settings import LOCAL, OFF, Settings

ROUTER = "slipway-router"
COMMAND_LINE = "slipway-cli"
"""A public client: it has no secret."""
ADMIN = "slipway-admin"
MASTER = "master"
ROUTER_SECRET = "keycloak-router.secret"  # noqa: S105  a file's name
ADMIN_SECRET = "keycloak-admin.secret"  # noqa: S105  a file's name

SECRETS = (ADMIN_SECRET, ROUTER_SECRET)


@dataclass(frozen=True, slots=True)
class Account:
    """A client of Keycloak whose service account acts for Slipway."""

    realm: str
    client: str
    secret: str = field(repr=False)
    kept_in: str
    """The file with the secret, for messages."""


def routers_account(settings: Settings) -> Account:
    """The router's own: it may change its realm, and no other."""
    return _account(settings, settings.keycloak_realm, ROUTER, ROUTER_SECRET)


def hosts_account(settings: Settings) -> Account:
    """The one that Keycloak was first started with, which can make realms; without its secret, the router's."""
    if (settings.key_dir / ADMIN_SECRET).exists():
        return _account(settings, MASTER, ADMIN, ADMIN_SECRET)
    return routers_account(settings)


def made_here(settings: Settings) -> tuple[str, ...]:
    """The secrets that Slipway makes itself. The administrator's of a Keycloak that is there already is its owner's to
    give."""
    return {OFF: (), LOCAL: (ADMIN_SECRET, ROUTER_SECRET)}.get(settings.keycloak, (ROUTER_SECRET,))


def secret(settings: Settings, file: str) -> str:
    """Raises `SettingsError` when the file can't be read, or is empty."""
    path = settings.key_dir / file
    try:
        text = path.read_text().strip()
    except OSError as error:
        why = error.strerror
    else:
        if text:
            return text
        why = "it is empty"
    raise SettingsError(
        f"{path} can't be read: {why}",
        remedy="make up creates it; for a Keycloak that is there already see docs/guide/sign-on.md",
    )


def _account(settings: Settings, realm: str, client: str, file: str) -> Account:
    return Account(realm, client, secret(settings, file), str(settings.key_dir / file))
