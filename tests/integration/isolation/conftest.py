from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from router.app import create_app
from router.services import Services
from slipway.core.identity.claims import person_of
from slipway.models import Edge
from slipway.ports.sign_on import Tokens
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.sign_on import with_sign_on
from tests.fixtures.services.agent_server import Agent, running_agent
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.isolation import tenants as planted
from tests.integration.isolation.tenants import CANARY, OUR_PERSON, OURS, UMBRELLA, Tenants

DATABASE, COPY = "slipway.db", "planted.db"


@dataclass
class Rig:
    """The API, with two tenants in its database, in Redis, in the agent and at the identity provider."""

    api: Api
    tenants: Tenants
    provider: OidcProvider

    @property
    def services(self) -> Services:
        return self.api.services

    def acme(self) -> Caller:
        """The token in acme's own row."""
        return Caller(self.api.client, planted.token_of(CANARY))

    def rows_of_acme(self) -> dict[str, list[Any]]:
        with self.services.db.read(platform="a test looks") as session:
            return self.tenants.of_acme(session.connection())

    @cached_property
    def callers(self) -> dict[str, Caller]:
        """Everybody who may call for umbrella, by what they carry, and a stranger."""
        return {
            "token of owner": Caller(self.api.client, planted.token_of(OURS)),
            "token of developer": Caller(self.api.client, planted.token_of(f"{OURS}-developer")),
            "token of viewer": Caller(self.api.client, planted.token_of(f"{OURS}-viewer")),
            "session": self._in_a_browser("owner"),
            "session of a platform-admin": self._in_a_browser("owner", realm_access={"roles": ["platform-admin"]}),
            "access token": Caller(
                self.api.client, self.provider.access_token(**planted.person(OUR_PERSON, UMBRELLA, sid="s-of-eve"))
            ),
            "nothing": Caller(self.api.client),
        }

    def administrators_token(self) -> str:
        """An access token of umbrella's owner, who is an administrator of the platform too."""
        claims = planted.person(OUR_PERSON, UMBRELLA, sid="s-of-eve", realm_access={"roles": ["platform-admin"]})
        return self.provider.access_token(**claims)

    def _in_a_browser(self, role: str, **claims: Any) -> Caller:
        person = person_of(planted.person(OUR_PERSON, UMBRELLA, role, sid=f"sid-{role}", **claims))
        tokens = Tokens("an id token", "a refresh token", "an access token", time.time() + 3600)
        assert self.services.sign_on is not None
        value, _ = self.services.sign_on.sessions.create(person, tokens, time.time())
        own_page = {"Origin": self.services.settings.public_url, "Sec-Fetch-Site": "same-origin"}
        return Caller(self.api.client, headers={"Cookie": f"slipway-session={value}", **own_page})


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with running_provider() as found:
        found.add_person(OUR_PERSON)
        yield found


@pytest.fixture(scope="module")
def state_dir() -> Iterator[Path]:
    """Short enough for a unix socket's address."""
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def agent(state_dir: Path) -> Iterator[Agent]:
    """Its replicas are given their output once they are planted."""
    (state_dir / "run").mkdir(exist_ok=True)
    with running_agent(state_dir / "run/agent.sock") as made:
        made.head = "b" * 40
        yield made


@pytest.fixture(scope="module")
def shared_rig(
    state_dir: Path, sqlite_template: Path, shared_redis: RedisServer, provider: OidcProvider, agent: Agent
) -> Iterator[Rig]:
    """On SQLite nothing stands behind the sessions' filter. Its Redis database is its own."""
    database = shutil.copy(sqlite_template, state_dir / DATABASE)
    made = make_services(state_dir, f"sqlite:///{database}", f"{shared_redis.url}?db=2")
    with made.db.write(platform="a test's canaries") as session:
        tenants = planted.plant(session.connection(), made.values)
        session.add(Edge(id="edge-1"))
    services = with_sign_on(made, provider.url)
    identity: Any = SimpleNamespace(people=planted.people(tenants), check=lambda: None, sync=lambda *_, **__: [])
    services = replace(services, identity=identity, directory=planted.directory())
    planted.fill(services.redis, services.log, agent, tenants)
    made.db.checkpoint()
    shutil.copy(database, state_dir / COPY)
    yield Rig(Api(services, create_app(services).test_client(use_cookies=False)), tenants, provider)
    services.db.dispose()
    services.redis.close()


@pytest.fixture
def rig(shared_rig: Rig, state_dir: Path) -> Rig:
    """With the rows that were planted."""
    shared_rig.services.db.dispose()
    for rest in state_dir.glob(f"{DATABASE}-*"):
        rest.unlink()
    shutil.copy(state_dir / COPY, state_dir / DATABASE)
    return shared_rig
