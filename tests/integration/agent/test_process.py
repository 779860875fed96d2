"""The agent as it runs: a process of its own, real Docker, Redis and SQL. Only the edge is played."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from slipway.adapters.firewall import install
from slipway.adapters.redis.events import RedisEvents
from slipway.domain import intents
from slipway.models import App, Deployment, now
from tests.fixtures.edge import FollowingEdge, following_edge
from tests.fixtures.engine import EnginePart, engine_part
from tests.fixtures.services.forked import ForkedModule
from tests.fixtures.services.redis_server import RedisServer, running_redis
from tests.fixtures.waiting import eventually
from tests.integration.agent.rig import Rig

pytestmark = pytest.mark.engine

SERVER = "python -u -m http.server $PORT --directory /etc"
QUICK = {
    "RECONCILE_S": "0.5",
    "WATCH_S": "0",
    "DRAIN_GRACE_S": "5",
    "STOP_GRACE_S": "2",
    "PROBE_TIMEOUT_S": "120",
    "POLL_S": "3600",
}


class Host:
    """One installation with its agent's process."""

    def __init__(self, part: EnginePart, redis: RedisServer, edge: FollowingEdge, url: str, folder: Path) -> None:
        self.part, self.redis, self.edge = part, redis, edge
        chosen = part.settings
        self.environment = {
            **os.environ,
            **{f"SLIPWAY_{name}": value for name, value in QUICK.items()},
            "SLIPWAY_STATE_DIR": str(chosen.state_dir),
            "SLIPWAY_DATABASE_URL": url,
            "SLIPWAY_REDIS_URL": redis.url,
            "SLIPWAY_INSTANCE": chosen.instance,
            "SLIPWAY_SUBNETS": str(chosen.subnets),
        }
        self.rig = Rig(url, chosen.state_dir, instance=chosen.instance, redis_url=redis.url)
        self.log = folder / "agent.log"
        self.process: ForkedModule | None = None

    def start(self) -> None:
        self.process = ForkedModule("builder.agent", self.environment, self.log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(60) == 0
        print(self.log.read_text())  # shown with a failure
        self.rig.db.dispose()

    def add_app(self, name: str = "hello", **settings: object) -> App:
        processes = {"web": {"command": SERVER}}
        return self.rig.add_app(name, **({"processes": processes, "health_path": "/hostname"} | settings))

    def deploy(self, app: App, commit: str) -> int:
        row = self.rig.built(app, commit, digest=self.part.digest)
        self.wake(app)
        return row.id

    def wake(self, app: App) -> None:
        with Redis.from_url(self.redis.url) as client:
            RedisEvents(client).app_changed(app.id)

    def state(self, deployment_id: int) -> str:
        row = self.rig.all(Deployment, id=deployment_id)[0]
        return str(row.state) if row.state != "failed" else f"failed: {row.reason} {row.detail} {row.tail}"

    def is_live(self, deployment_id: int) -> None:
        def is_live() -> bool:
            state = self.state(deployment_id)
            assert not state.startswith("failed"), state
            return state == "live"

        eventually(is_live, within_s=30, what=f"deployment {deployment_id} is live")

    def containers(self) -> list[dict[str, object]]:
        label = f"slipway.instance={self.part.settings.instance}"
        return list(self.part.api.containers(all=True, filters={"label": label}))


@pytest.fixture
def host(sqlite_url: str, tmp_path: Path) -> Iterator[Host]:
    with engine_part() as part, running_redis() as redis, following_edge(redis.url) as edge:
        made = Host(part, redis, edge, sqlite_url, tmp_path)
        made.start()
        try:
            yield made
        finally:
            made.end()
            install.remove(part.settings)


def test_deploy_replace_roll_back_and_delete(host: Host) -> None:
    app = host.add_app()
    first = host.deploy(app, "a" * 40)
    host.is_live(first)
    target = host.edge.entry("hello.localhost")["targets"][0]  # type: ignore[index]
    assert httpx.get(f"http://{target['address']}:{target['port']}/hostname").status_code == 200

    second = host.deploy(app, "b" * 40)
    host.is_live(second)
    eventually(lambda: len(host.containers()) == 1, what="the old replica is gone")

    back = host.rig.intend(app, intents.rollback, actor="a test")
    host.wake(app)
    host.is_live(back.id)

    host.rig.change(app, deleted_at=now())
    host.wake(app)
    eventually(lambda: not host.rig.all(App, id=app.id), what="the app is gone")
    assert host.containers() == []
    assert host.edge.entry("hello.localhost") is None


def test_a_killed_agent_finishes_what_it_began(host: Host) -> None:
    app = host.add_app()
    host.is_live(host.deploy(app, "a" * 40))
    for number, commit in enumerate("bcdef"):
        deployment = host.deploy(app, commit * 40)
        time.sleep(0.15 * number)  # the moment of the kill is what differs
        host.kill()
        host.start()
        host.is_live(deployment)
    eventually(lambda: len(host.containers()) == 1, what="the old replicas are gone")
    eventually(lambda: all(row.reported_state for row in host.rig.all(Deployment)), what="every end is reported")


def test_a_crashed_replica_is_started_again(host: Host) -> None:
    app = host.add_app()
    host.is_live(host.deploy(app, "a" * 40))
    [container] = host.containers()
    host.part.api.kill(container["Id"])
    eventually(lambda: host.edge.entry("hello.localhost")["targets"] == [], within_s=5, what="out of the table")  # type: ignore[index]
    eventually(lambda: host.edge.entry("hello.localhost")["targets"], within_s=15, what="back in the table")  # type: ignore[index]
    assert host.rig.replicas(app)[0].restarts == 1


def test_output_is_read_while_it_runs_and_after(host: Host) -> None:
    app = host.add_app()
    host.is_live(host.deploy(app, "a" * 40))
    replica = host.rig.replicas(app)[0].id
    transport = httpx.HTTPTransport(uds=str(host.part.settings.agent_socket))
    with httpx.Client(transport=transport, base_url="http://agent") as client:
        assert client.get("/healthz").status_code == 200
        assert "/hostname" in client.get(f"/replicas/{replica}/output").text
        host.is_live(host.deploy(app, "b" * 40))
        eventually(lambda: len(host.containers()) == 1, what="the old replica is gone")
        assert "/hostname" in client.get(f"/replicas/{replica}/output", params={"tail": "50"}).text
        assert client.get("/replicas/r-none/output").status_code == 404
