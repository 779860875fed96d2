from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from router.services import Services
from slipway.adapters.redis import keys
from slipway.core.identity.claims import person_of
from slipway.db import Database
from slipway.models import Edge, Variable
from slipway.ports.sign_on import Tokens
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.sign_on import with_sign_on
from tests.fixtures.services.agent_server import Agent, running_agent
from tests.integration.isolation import tenants as planted
from tests.integration.isolation.tenants import CANARY, OUR_PERSON, OURS, UMBRELLA, Tenants
from tests.integration.login.rig import client_of

USED = {
    "at": 1_900_000_000.0,
    "cpus": 0.5,
    "cpu_s": 1.0,
    "cpus_limit": 1.0,
    "throttled_s": 0.0,
    "memory_bytes": 1,
    "memory_limit_bytes": 2,
    "processes": 2,
    "processes_limit": 3,
}


@dataclass(frozen=True)
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

    def callers(self) -> dict[str, Caller]:
        """Everybody who may call for umbrella, by what they carry, and a stranger."""
        return {
            "token of owner": Caller(self.api.client, planted.token_of(OURS)),
            "token of developer": Caller(self.api.client, planted.token_of(f"{OURS}-developer")),
            "token of viewer": Caller(self.api.client, planted.token_of(f"{OURS}-viewer")),
            "session of an owner": self._in_a_browser("owner"),
            "session of a viewer": self._in_a_browser("viewer"),
            "session of a platform-admin": self._in_a_browser("owner", realm_access={"roles": ["platform-admin"]}),
            "access token": Caller(
                self.api.client, self.provider.access_token(**planted.person(OUR_PERSON, UMBRELLA, sid="s-of-eve"))
            ),
            "nothing": Caller(self.api.client),
        }

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
def planted_database(sqlite_template: Path, state_dir: Path) -> tuple[Path, Tenants]:
    """A database of both tenants, to be copied. On SQLite nothing stands behind the sessions' filter."""
    path = Path(shutil.copy(sqlite_template, state_dir / "planted.db"))
    database = Database(f"sqlite:///{path}")
    with database.write(platform="a test's canaries") as session:
        tenants = planted.plant(session.connection())
        session.add(Edge(id="edge-1"))
    database.checkpoint()
    database.dispose()
    return path, tenants


@pytest.fixture(scope="module")
def agent(state_dir: Path, planted_database: tuple[Path, Tenants]) -> Iterator[Agent]:
    """Its replicas print who they are of."""
    tenants = planted_database[1]
    (state_dir / "run").mkdir(exist_ok=True)
    replicas = [str(each.rows["replicas"]["id"]) for each in (tenants.theirs, tenants.twins, tenants.ours)]
    output = {replica: [f"2030-01-01T12:00:00.000000000Z a line of {replica}"] for replica in replicas}
    with running_agent(state_dir / "run/agent.sock", output) as made:
        made.head = "b" * 40
        made.stats = dict.fromkeys(replicas, USED)
        yield made


@pytest.fixture
def rig(
    state_dir: Path, planted_database: tuple[Path, Tenants], redis_url: str, provider: OidcProvider, agent: Agent
) -> Iterator[Rig]:
    path, tenants = planted_database
    with _running(state_dir, path, tenants, redis_url, provider) as made:
        yield made


@contextmanager
def _running(state_dir: Path, path: Path, tenants: Tenants, redis_url: str, provider: OidcProvider) -> Iterator[Rig]:
    database = shutil.copy(path, state_dir / "slipway.db")
    for rest in state_dir.glob("slipway.db-*"):
        rest.unlink()
    services = with_sign_on(make_services(state_dir, f"sqlite:///{database}", redis_url), provider.url)
    identity: Any = SimpleNamespace(people=planted.people(tenants), check=lambda: None, sync=lambda *_, **__: [])
    services = replace(services, identity=identity, directory=planted.directory())
    _fill(services, tenants)
    yield Rig(Api(services, client_of(services)), tenants, provider)
    services.db.dispose()
    services.redis.close()


def _fill(services: Services, tenants: Tenants) -> None:
    """What Redis and the logs' files have of acme, and secrets sealed with the keys that are here."""
    with services.db.write(platform="a test's secrets") as session:
        for row in session.scalars(select(Variable)):
            value = f"{OURS if row.tenant_id == tenants.ours.tenant_id else CANARY}-value"
            row.sealed = services.values.seal(value, row.tenant_id, row.app_id, row.environment, row.name)
    counts = {"requests": [0, 771, 0, 0, 0], "bytes_in": 0, "bytes_out": 0, "duration_ms": 0, "requests_per_s": 0}
    for rows in (tenants.theirs, tenants.twins):
        app, deployment = rows.rows["apps"]["id"], rows.rows["deployments"]["id"]
        services.log.append(deployment, f"{CANARY} a line of a build")
        services.redis.hset("slipway:edges:metrics:edge-1", mapping={str(app): json.dumps(counts)})
        services.redis.zadd(keys.limit_refusals(app, planted.hour()), {f"{app}/{CANARY}-limit|203.0.113.77": 5})
    services.redis.hset("slipway:edges:metrics:edge-1", mapping={"at": time.time(), "since": time.time(), "boot": "b"})
