"""The container runtimes that there are, by the name that SLIPWAY_RUNTIME chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slipway.adapters.docker.address_book import AddressBook
from slipway.adapters.docker.runtime import DockerRuntime
from slipway.db import Database
from slipway.errors import SettingsError
from slipway.ports.runtime import ContainerRuntime
from slipway.settings import Settings


def _docker(settings: Settings, db: Database) -> ContainerRuntime:
    return DockerRuntime(settings, AddressBook(db))


RUNTIMES: Mapping[str, Callable[[Settings, Database], ContainerRuntime]] = {"docker": _docker}


def chosen_runtime(settings: Settings, db: Database) -> ContainerRuntime:
    """Raises `SettingsError` when there is no runtime of that name."""
    make = RUNTIMES.get(settings.runtime)
    if make is None:
        raise SettingsError("SLIPWAY_RUNTIME names no container runtime", remedy=f"use one of: {', '.join(RUNTIMES)}")
    return make(settings, db)
