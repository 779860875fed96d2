"""What signs people in while the edges are measured: the router as it runs in production, with SQLite, at an identity
provider of tests."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from slipway import settings as slipway_settings
from slipway.adapters.redis.sessions import Seals, Sessions
from slipway.adapters.vault import VALUES, Vault
from slipway.db import Database
from slipway.host.install import folders
from slipway.migrations import upgrade
from slipway.ports.sign_on import Tokens
from slipway.settings import Settings
from tests.bench import edge_costs
from tests.bench.edge_load import LOAD_CORE
from tests.fixtures.identity.oidc_provider import SECRET, OidcProvider, running_provider
from tests.fixtures.identity.sign_on import member
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.services.router_server import RouterServer, running_router

GROUPS = ("/tenants/acme/developer", "/staff")
DAY_S = 86_400


@dataclass(frozen=True)
class Platform:
    settings: Settings
    provider: OidcProvider
    router: RouterServer
    redis: Redis

    @property
    def redis_pid(self) -> int:
        return int(self.redis.info("server")["process_id"])

    def cookies(self, hosts: list[str]) -> list[str]:
        """The header of somebody who is signed in, for each of these hosts; every one is another person."""
        settings = self.settings
        seals = Seals(Vault(settings.key_dir / VALUES).digest("sessions").encode())
        sessions = Sessions(self.redis, seals, idle_s=settings.session_idle_s, lifetime_s=settings.session_lifetime_s)
        return [_cookie(sessions, f"person-{number}", host) for number, host in enumerate(hosts)]

    def pin_router(self, core: int) -> None:
        pin(self.router.process.pid, core)

    def lend_socket(self, edge: Path) -> None:
        """The edge with this state folder asks the router here."""
        own = self.settings.router_internal_socket
        (edge / own.relative_to(self.settings.state_dir)).symlink_to(own)


@contextmanager
def running_platform(folder: Path, redis: RedisServer) -> Iterator[Platform]:
    with running_provider() as provider, Redis.from_url(redis.url) as client:
        given = {"STATE_DIR": str(folder / "platform"), "REDIS_URL": redis.url, "KEYCLOAK": provider.url}
        settings = slipway_settings.load({f"SLIPWAY_{name}": value for name, value in given.items()})
        folders.prepare(settings)
        (settings.key_dir / "keycloak-router.secret").write_text(SECRET)
        database = Database(settings.database_url)
        upgrade(database.engine)
        database.dispose()
        with running_router(settings, KEYCLOAK=provider.url) as router:
            settings.router_internal_socket.chmod(0o777)  # the edge's workers are another user
            platform = Platform(settings, provider, router, client)
            platform.pin_router(LOAD_CORE)
            pin(platform.redis_pid, LOAD_CORE)
            yield platform


def pin(pid: int, core: int) -> None:
    """All threads of the process and of those that descend from it."""
    for member_pid in edge_costs.family(pid):
        for thread in Path(f"/proc/{member_pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def _cookie(sessions: Sessions, login: str, host: str) -> str:
    tokens = Tokens("an id token", "a refresh token", "an access token", time.time() + DAY_S)
    parent, _ = sessions.create(member(login, *GROUPS, email=f"{login}@example.org"), tokens, time.time())
    return f"slipway-session={sessions.create_app_session(parent, host)}"
