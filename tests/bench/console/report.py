"""The console with 1,000 apps, 3,000 replicas and 10,000 deployments, on SQLite and on PostgreSQL: its pages, and what
open ones cost. Alone: `python -m tests.bench console [--short]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from slipway import settings as slipway_settings
from slipway.adapters.redis.sessions import Seals, TokenSessions
from slipway.adapters.vault import VALUES, Vault
from slipway.db import Database
from slipway.host.install import folders
from slipway.migrations import service_role, upgrade
from slipway.settings import Settings
from tests.bench.console import pages, streams
from tests.bench.console.asking import Client
from tests.bench.console.bare import running_bare_page
from tests.bench.console.dataset import Filled, fill
from tests.bench.edge_contenders import short_folder
from tests.bench.measuring import Row
from tests.fixtures.services.postgresql import SERVICE, running_cluster
from tests.fixtures.services.redis_server import running_redis
from tests.fixtures.services.router_server import running_router

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
APPS = 1_000
TENANTS, SMALL = 20, 20
"""With open consoles: the large one, and others with so many apps."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    databases: Sequence[str] = (SQLITE, POSTGRESQL)
    rounds: int = 12
    each: int = 5
    """Requests for each page in a round."""
    stream_s: float = 30.0


SHORT = Extent(rounds=4, each=3, stream_s=10.0)


@dataclass(frozen=True, slots=True)
class Platform:
    settings: Settings
    redis: Redis
    database: Database
    database_pid: int = 0
    analyze: Callable[[], None] = lambda: None
    """Called when rows were written: plans are made by what is known of them."""


def measure(extent: Extent) -> tuple[str, list[Row]]:
    shown, found = [], []
    for kind in extent.databases:
        with short_folder() as folder, running_platform(folder, kind) as platform:
            filled = fill(platform.database, platform.redis, "acme", APPS)
            platform.analyze()
            measured = _pages(platform, filled, folder, extent)
            shown.append(pages.table(measured, kind))
            found += pages.rows(measured, kind)
            found += _streams(platform, filled, kind, extent)
    return "\n\n".join(shown), found


def _pages(platform: Platform, filled: Filled, folder: Path, extent: Extent) -> dict[str, pages.Figures]:
    with running_router(platform.settings) as router, running_bare_page(folder) as (bare, bare_pid):
        signed_in = {"Cookie": f"slipway-session={sessions(platform).create(filled.token_hash)}"}
        console = Client(platform.settings.router_socket, signed_in)
        of = pages.Measured(console, Client(bare), router.process.pid, bare_pid, platform.database_pid)
        return pages.measure(of, pages.addresses(filled), extent.rounds, extent.each)


def _streams(platform: Platform, filled: Filled, kind: str, extent: Extent) -> list[Row]:
    """The large tenant and small ones, each with ten consoles."""
    small = [
        fill(platform.database, platform.redis, f"tenant-{n}", SMALL, 10_000 + n * SMALL) for n in range(TENANTS - 1)
    ]
    platform.analyze()
    tenants = (filled, *small)
    cookies = [f"slipway-session={sessions(platform).create(each.token_hash)}" for each in tenants]
    with running_router(platform.settings) as router:
        socket = platform.settings.router_socket
        of = streams.Measured(router.process.pid, socket, platform.database, tenants, cookies, extent.stream_s)
        return list(streams.rows(of, kind))


def sessions(platform: Platform) -> TokenSessions:
    """As the router makes them where sign-on is off."""
    settings = platform.settings
    seals = Seals(Vault(settings.key_dir / VALUES).digest("sessions").encode())
    return TokenSessions(platform.redis, seals, idle_s=settings.session_idle_s, lifetime_s=settings.session_lifetime_s)


@contextmanager
def running_platform(folder: Path, kind: str) -> Iterator[Platform]:
    with running_redis() as server, Redis.from_url(server.url) as redis:
        if kind == SQLITE:
            settings = _settings(folder, server.url)
            database = Database(settings.database_url)
            upgrade(database.engine)
            yield Platform(settings, redis, database)
            database.dispose()
            return
        with running_cluster() as cluster:
            owner = Database(cluster.create("bench"), pool=False, any_role=True)
            upgrade(owner.engine)
            service_role.prepare(owner.engine, cluster.url("bench", SERVICE))
            settings = _settings(folder, server.url, DATABASE_URL=cluster.url("bench", SERVICE))
            database = Database(settings.database_url)
            pid = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
            yield Platform(settings, redis, database, pid, lambda: cluster.analyze("bench"))
            database.dispose()


def _settings(folder: Path, redis_url: str, **more: str) -> Settings:
    given = {"STATE_DIR": str(folder / "platform"), "REDIS_URL": redis_url, **more}
    settings = slipway_settings.load({f"SLIPWAY_{name}": value for name, value in given.items()})
    folders.prepare(settings)
    return settings
