"""The agent's process, real Docker and a real edge: an address that another app gets carries nothing of the first one,
and a request that waits gets its app started."""

from __future__ import annotations

import http.client
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from sqlalchemy import select

from slipway import intents
from slipway.adapters import firewall
from slipway.models import Address, App, Replica, Tenant, now
from tests.fixtures.engine import EnginePart, engine_part
from tests.fixtures.redis_server import running_redis
from tests.fixtures.waiting import eventually
from tests.integration.agent.test_process import Host
from tests.integration.routes.edges import RealEdge, real_edge

pytestmark = pytest.mark.engine

NAMED = """
import http.server, sys, time
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        if self.path == "/slow" and "NAME" == "left":
            time.sleep(1)
        body = b"NAME"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("", 8000), App).serve_forever()
"""
NEVER_CONFIRMED = 1 << 30


def pause(part: EnginePart, container_id: str) -> None:
    part.api.pause(container_id)


def kill(part: EnginePart, container_id: str) -> None:
    part.api.kill(container_id)


def disconnect(part: EnginePart, container_id: str) -> None:
    """Its address answers nothing any more, not even with a refusal."""
    [network] = part.api.inspect_container(container_id)["NetworkSettings"]["Networks"].values()
    part.api.disconnect_container_from_network(container_id, network["NetworkID"], force=True)


class Visitors:
    """Clients of one app on kept connections, and what they were answered with 200."""

    def __init__(self, port: int, host: str, paths: tuple[str, ...]) -> None:
        self.bodies: list[str] = []
        self._port, self._host = port, host
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(path,), daemon=True) for path in paths]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _visit(self, path: str) -> None:
        connection = self._connect()
        while not self._ended.wait(0.005):
            try:
                connection.request("GET", path, headers={"Host": self._host})
                answer = connection.getresponse()
                body = answer.read().decode()
                if answer.status == 200:
                    self.bodies.append(body)
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=25)


class Town(Host):
    """Two apps of one tenant behind a real edge: `left` goes, `right` gets its addresses."""

    def __init__(self, part: EnginePart, redis: object, edge: RealEdge, url: str, folder: Path) -> None:
        super().__init__(part, redis, edge, url, folder)  # type: ignore[arg-type]
        more = {"TENANT_PREFIX": "29", "RECONCILE_S": "0.2", "DRAIN_GRACE_S": "0.5", "STOP_GRACE_S": "1"}
        self.environment |= {f"SLIPWAY_{name}": value for name, value in more.items()}

    def settle_in(self) -> tuple[App, App]:
        """Both with one replica; no address is left but those two and one more."""
        apps = []
        for number, name in enumerate(("left", "right")):
            command = f'python -u -c "{NAMED.replace("NAME", name).replace(chr(34), chr(39))}"'
            timeouts = {"connect_s": 20, "read_s": 20, "websocket_drain_s": 0}
            settings = {"processes": {"web": {"command": command}}, "timeouts": timeouts, "health_path": "/"}
            app = self.rig.add_app(name, **settings)
            self.is_live(self.deploy(app, "ab"[number] * 40))
            apps.append(app)
        with self.rig.db.write(platform="a test's crowd") as session:
            network = IPv4Network(session.get_one(Tenant, self.rig.tenant_id).subnet or "")
            held = set(session.scalars(select(Address.address)))
            free = [str(each) for each in [*network.hosts()][1:] if str(each) not in held]
            session.add_all(
                Address(tenant_id=self.rig.tenant_id, address=each, rests_from=NEVER_CONFIRMED) for each in free[1:]
            )
        return apps[0], apps[1]

    def scale(self, app: App, replicas: int) -> None:
        self.rig.intend(app, intents.scale, replicas=replicas)
        self.wake(app)

    def ready(self, app: App) -> list[Replica]:
        return self.rig.replicas(app, state="ready")

    @contextmanager
    def visited(self, app: App, *paths: str) -> Iterator[Visitors]:
        visitors = Visitors(self.edge.port, f"{app.name}.localhost", paths)  # type: ignore[attr-defined]
        visitors.start()
        try:
            yield visitors
        finally:
            visitors.stop()


@pytest.fixture(scope="module")
def town(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'slipway.db')}"
    with engine_part() as part, running_redis() as redis, real_edge(redis) as edge:
        made = Town(part, redis, edge, url, folder)
        made.start()
        try:
            yield made
        finally:
            made.end()
            firewall.remove(part.settings)


@pytest.fixture(scope="module")
def apps(town: Town) -> tuple[App, App]:
    return town.settle_in()


@pytest.mark.parametrize("harm", [pause, kill, disconnect])
def test_a_recycled_address_answers_no_request_of_its_former_app(
    town: Town, apps: tuple[App, App], harm: Callable[[EnginePart, str], None]
) -> None:
    """The address of the harmed replica goes to the other app while requests that chose it are still under way."""
    left, right = apps
    plain, slow = ("/",) * 2, ("/slow",) * 4
    with town.visited(left, *plain, *slow) as visitors, town.visited(right, *plain) as neighbours:
        eventually(lambda: "left" in visitors.bodies and "right" in neighbours.bodies, what="both are visited")
        [former] = town.ready(left)
        eventually(lambda: town.edge.status["inflight"].get(former.id, 0) >= len(slow), what="slow requests")  # type: ignore[attr-defined]
        harm(town.part, str(former.container_id))
        town.scale(left, 0)
        town.scale(right, 3)
        recycled = lambda: former.address in {each.address for each in town.ready(right)}  # noqa: E731
        eventually(recycled, within_s=60, what="the address is used again")
        seen = len(neighbours.bodies)
        eventually(lambda: len(neighbours.bodies) > seen + 100, what="its new holder was asked, too")
        town.scale(right, 1)
        town.scale(left, 1)
        eventually(lambda: town.ready(left), within_s=60, what="the first app is back")
        seen = len(visitors.bodies)
        eventually(lambda: len(visitors.bodies) > seen + 20, what="it serves again")
    assert set(visitors.bodies) == {"left"}
    assert set(neighbours.bodies) == {"right"}


def test_a_request_ends_the_back_off_of_a_replica_that_crashed(town: Town, apps: tuple[App, App]) -> None:
    left, _ = apps
    [replica] = eventually(lambda: town.ready(left), what="it serves")
    town.part.api.kill(str(replica.container_id))
    eventually(lambda: town.rig.replicas(left, state="crashed"), what="its end is noticed")
    long_ago = town.rig.replicas(left)[0].restarts + 8
    town.rig.change(replica, state="crashed", retry_at=now() + timedelta(minutes=5), restarts=long_ago)
    assert town.edge.ask("left.localhost") == (200, b"left")  # type: ignore[attr-defined]
    assert [each.restarts for each in town.ready(left)] == [long_ago]
