"""The Keycloak on this host: the command that runs it, and its configuration, which is written at each start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from slipway.adapters.keycloak import accounts
from slipway.errors import SettingsError
from slipway.host import checkout
from slipway.host.commands import Commands
from slipway.host.install.keycloak import Distribution
from slipway.settings import Settings, address_of

THEMES = checkout.ROOT / "keycloak" / "themes"
PROVIDERS = checkout.ROOT / "keycloak" / "providers"
_LEAST_HEAP_BYTES = 64 << 20
_METASPACE_BYTES = 256 << 20


def distribution(settings: Settings) -> Distribution:
    return Distribution(Commands(), settings.state_dir / "cache", THEMES, PROVIDERS)


def command(settings: Settings) -> list[str]:
    """What runs it in the foreground; writes its configuration first.

    Raises:
        SettingsError: a value can't stand in its configuration, or it is not installed.
    """
    found = distribution(settings)
    if not found.is_ready:
        raise SettingsError("Keycloak is not installed on this host", remedy="make install")
    folder = settings.state_dir / "keycloak"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / "keycloak.conf"
    _write(file, "".join(f"{name}={_plain(name, value)}\n" for name, value in _configuration(settings, folder)))
    least = min(_LEAST_HEAP_BYTES, settings.keycloak_memory_bytes)
    heap = f"-Xms{least} -Xmx{settings.keycloak_memory_bytes} -XX:MaxMetaspaceSize={_METASPACE_BYTES}"
    return ["env", f"JAVA_OPTS_KC_HEAP={heap}", str(found.program), f"--config-file={file}", "start", "--optimized"]


def _configuration(settings: Settings, folder: Path) -> Iterator[tuple[str, str]]:
    address, port = address_of(settings.keycloak_listen)
    management_address, management_port = address_of(settings.keycloak_management_listen)
    yield from (("http-enabled", "true"), ("http-host", address), ("http-port", str(port)))
    yield from (("http-management-host", management_address), ("http-management-port", str(management_port)))
    yield from (("hostname", settings.keycloak_hostname or settings.keycloak_url), ("cache", "local"))
    if settings.keycloak_hostname:
        # The edge is the only one that reaches a port on loopback, and sets these headers anew.
        yield from (("proxy-headers", "xforwarded"), ("proxy-trusted-addresses", "127.0.0.0/8,::1"))
        yield ("hostname-backchannel-dynamic", "true")
    yield ("db-url", f"jdbc:h2:file:{folder / 'h2' / 'keycloak'};NON_KEYWORDS=VALUE")
    # Of the first start alone: afterwards Keycloak keeps them itself.
    yield ("bootstrap-admin-client-id", accounts.ADMIN)
    yield ("bootstrap-admin-client-secret", accounts.secret(settings, accounts.ADMIN_SECRET))


def _plain(name: str, value: str) -> str:
    if "\n" in value or "$" in value or "\\" in value:
        raise SettingsError(
            f"Keycloak's {name} can't be set to that", remedy="leave out line breaks, backslashes and $ signs"
        )
    return value


def _write(file: Path, text: str) -> None:
    aside = file.with_suffix(".new")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
        new.write(text)
    aside.replace(file)
