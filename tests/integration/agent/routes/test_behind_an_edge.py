"""The agent's process, real Docker and a real edge: an address that another app gets carries nothing of the first one,
and a request that waits gets its app started."""

from __future__ import annotations

import http.client
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from docker import APIClient
from sqlalchemy import select

from slipway.adapters.firewall import install
from slipway.domain import intents
from slipway.models import Address, App, Replica, Tenant
from tests.fixtures.engine import EnginePart, engine_part, pause
from tests.fixtures.services.redis_server import running_redis
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
        if self.path == "/socket":
            return self.talk()
        if self.path == "/slow" and "NAME" == "left":
            time.sleep(1)
        body = b"NAME"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def talk(self):
        self.close_connection = True
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        while self.connection.recv(100):
            self.connection.sendall(b"NAME")
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("", 8000), App).serve_forever()
"""
NEVER_CONFIRMED = 1 << 30
PAUSE_S = 0.02
"""Of each visitor between two requests."""


def kill(api: APIClient, container_id: str) -> None:
    api.kill(container_id)


def disconnect(api: APIClient, container_id: str) -> None:
    """Its address answers nothing any more, not even with a refusal."""
    [network] = api.inspect_container(container_id)["NetworkSettings"]["Networks"].values()
    api.disconnect_container_from_network(container_id, network["NetworkID"], force=True)


class Visitors:
    """Clients of one app on kept connections, and what they were answered with 200, or on a WebSocket, by method."""

    def __init__(self, port: int, host: str, visits: list[tuple[str, str]]) -> None:
        self.bodies: dict[str, list[str]] = {method: [] for method, _ in visits}
        self._port, self._host = port, host
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=visit, daemon=True) for visit in visits]

    def are_answered(self, times: int = 1) -> bool:
        """Each method so often from now on."""
        before = {method: len(bodies) for method, bodies in self.bodies.items()}
        grown = lambda: all(len(self.bodies[each]) >= count + times for each, count in before.items())  # noqa: E731
        return bool(eventually(grown, within_s=60, what=f"each method is answered {times} times"))

    @property
    def answers(self) -> dict[str, set[str]]:
        return {method: set(bodies) for method, bodies in self.bodies.items()}

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _visit(self, method: str, path: str) -> None:
        connection = self._connect()
        while not self._ended.wait(PAUSE_S):
            try:
                if method == "SOCKET":
                    self._talk(path)
                    continue
                connection.request(method, path, headers={"Host": self._host})
                answer = connection.getresponse()
                body = answer.read().decode()
                if answer.status == 200:
                    self.bodies[method].append(body)
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = self._connect()
        connection.close()

    def _talk(self, path: str) -> None:
        """Raw bytes on a connection that was upgraded, until it ends."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
            upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n{upgrade}\r\n\r\n".encode())
            if b" 101 " not in connection.recv(4096):
                return
            while not self._ended.wait(PAUSE_S):
                connection.sendall(b"?")
                body = connection.recv(100).decode()
                if not body:
                    return
                self.bodies["SOCKET"].append(body)

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
            more = {
                "timeouts": timeouts,
                "waiting": {"timeout_s": 120},
                "health_path": "/",
            }  # a busy host starts it late
            settings = {"processes": {"web": {"command": command}}} | more
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
    def visited(self, app: App, *visits: tuple[str, str]) -> Iterator[Visitors]:
        visitors = Visitors(self.edge.port, f"{app.name}.localhost", list(visits))  # type: ignore[attr-defined]
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
            install.remove(part.settings)


@pytest.fixture(scope="module")
def apps(town: Town) -> tuple[App, App]:
    return town.settle_in()


@pytest.mark.parametrize("harm", [pause, kill, disconnect])
def test_a_recycled_address_answers_no_request_of_its_former_app(
    town: Town, apps: tuple[App, App], harm: Callable[[APIClient, str], None]
) -> None:
    """The address of the harmed replica goes to the other app while requests that chose it are still under way."""
    left, right = apps
    plain = [("GET", "/"), ("GET", "/"), ("POST", "/"), ("SOCKET", "/socket")]
    slow = [("GET", "/slow"), ("GET", "/slow"), ("POST", "/slow"), ("POST", "/slow")]
    with town.visited(left, *plain, *slow) as visitors, town.visited(right, *plain) as neighbours:
        assert visitors.are_answered()
        assert neighbours.are_answered()
        [former] = town.ready(left)
        eventually(lambda: town.edge.status["inflight"].get(former.id, 0) > len(slow), what="slow requests")  # type: ignore[attr-defined]
        harm(town.part.api, str(former.container_id))
        town.scale(left, 0)
        town.scale(right, 3)
        recycled = lambda: former.address in {each.address for each in town.ready(right)}  # noqa: E731
        eventually(recycled, within_s=60, what="the address is used again")
        assert neighbours.are_answered(50), "its new holder, too"
        town.scale(right, 1)
        town.scale(left, 1)
        eventually(lambda: town.ready(left), within_s=60, what="the first app is back")
        assert visitors.are_answered(5)
    methods = ("GET", "POST", "SOCKET")
    assert visitors.answers == {method: {"left"} for method in methods}
    assert neighbours.answers == {method: {"right"} for method in methods}


def test_a_request_ends_the_back_off_of_a_replica_that_crashed(town: Town, apps: tuple[App, App]) -> None:
    left, _ = apps
    [replica] = eventually(lambda: town.ready(left), what="it serves")
    town.rig.change(replica, restarts=8)  # the next one would come in two minutes
    town.part.api.kill(str(replica.container_id))
    eventually(lambda: town.rig.replicas(left, state="crashed"), what="its end is noticed")
    assert town.edge.ask("left.localhost") == (200, b"left")  # type: ignore[attr-defined]
    assert [each.restarts for each in town.ready(left)] == [9]
