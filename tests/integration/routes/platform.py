"""The agent's publisher, as a loop over SQL with many apps, a Redis of its own and real edges that follow it."""

from __future__ import annotations

import http.server
import json
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from builder.agent.routes.publishing import RouteSync
from builder.agent.routes.route_entries import services
from slipway.adapters.redis import keys
from slipway.adapters.redis.routes import RedisRoutes
from slipway.adapters.redis.work_queue import connect
from slipway.core.routing.route_entries import entry
from slipway.db import Database
from slipway.domain.route_table import touch_routes
from slipway.errors import DependencyUnavailable
from slipway.migrations import upgrade
from slipway.models import Domain, RouteTable, Target
from tests.fixtures.services.redis_server import RedisServer, running_redis
from tests.fixtures.waiting import eventually
from tests.integration.routes.edges import RealEdge, open_to_nginx, real_edge
from tests.integration.routes.tables import WHY, fill, host_of, point_to


class Backend:
    """Answers every request with its own port."""

    def __init__(self) -> None:
        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = str(self.server.server_address[1]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Platform:
    """What is published follows SQL by itself, as with the agent."""

    def __init__(
        self, db: Database, redis: RedisServer, edges: Sequence[RealEdge], backends: Sequence[Backend]
    ) -> None:
        self.db, self.redis, self.edges, self.backends = db, redis, edges, backends
        self.client = connect(redis.url)
        self.routes = RedisRoutes(self.client)
        self.sync = RouteSync(db, self.routes)
        self._notified = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._notified.set()
        self._thread.join(timeout=30)
        self.client.close()

    # -- changes -------------------------------------------------------------------------------------------------------

    def change(self, number: int, kind: int) -> int:
        """Point the app elsewhere, take its replica out, or take its host away; the change's generation."""
        with self.db.write(platform=WHY) as session:
            if kind < len(self.backends):
                generation = point_to(session, number, self.backends[kind].port)
            elif kind == len(self.backends):
                session.execute(delete(Target).where(Target.app_id == number))
                generation = touch_routes(session, [host_of(number)])
            else:
                session.execute(delete(Domain).where(Domain.app_id == number))
                generation = touch_routes(session, [host_of(number)])
        self._notified.set()
        return generation

    def burst(self, numbers: Sequence[int], seed: int) -> None:
        """One change of each, in an order and of a kind that the seed decides."""
        chance = random.Random(seed)
        for number in chance.sample(list(numbers), len(numbers)):
            self.change(number, chance.randrange(len(self.backends) + 2))

    def empty_redis(self) -> None:
        self.redis.stop()
        self.redis.start()
        open_to_nginx(self.redis)

    # -- what is in force ----------------------------------------------------------------------------------------------

    def position(self) -> tuple[str, int]:
        with self.db.read(platform=WHY) as session:
            table = session.scalars(select(RouteTable)).one()
            return table.epoch, table.generation

    def settled(self, *, within_s: float = 30) -> None:
        """Until every edge holds what SQL says."""

        def held() -> bool:
            return all(edge.holds(*self.position()) for edge in self.edges)

        eventually(held, within_s=within_s, every_s=0.05, what="every edge holds SQL's generation")

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Host → ports of its targets, by SQL."""
        with self.db.read(platform=WHY) as session:
            found = services(session)
        return {host: tuple(each.port for each in service.backends) for host, service in found.items() if service}

    def published(self) -> dict[str, Any]:
        """Redis' table, without generations."""
        raw: dict[Any, Any] = self.client.hgetall(keys.ROUTES_TABLE)
        return {host.decode(): json.loads(text) | {"generation": 0} for host, text in raw.items()}

    def table(self) -> dict[str, Any]:
        """SQL's."""
        with self.db.read(platform=WHY) as session:
            return {host: entry(service, 0) for host, service in services(session).items() if service}

    def assert_edges_agree(self, numbers: Sequence[int]) -> None:
        """Each edge answers for these apps' hosts, and counts routes, as SQL says."""
        expected = self.expected()
        for edge in self.edges:
            assert edge.status["routes"] == len(expected)
            for number in numbers:
                ports = expected.get(host_of(number))
                status, body = edge.ask(host_of(number))
                wanted = (200, str(ports[0]).encode()) if ports else (503 if ports == () else 404, None)
                assert (status, body if ports else None) == wanted, (edge.settings.edge_id, host_of(number))

    def _publish(self) -> None:
        while not self._ended.is_set():
            self._notified.wait(0.5)
            self._notified.clear()
            with suppress(DependencyUnavailable):
                self.sync.sync()


@contextmanager
def platform(count: int, *, edges: int = 2, backends: int = 2) -> Iterator[Platform]:
    """`count` apps, published, in force on all edges. The database is in memory: what counts is what is written."""
    folder = Path(tempfile.mkdtemp(prefix="slw-", dir="/dev/shm"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        db = Database(f"sqlite:///{folder / 'slipway.db'}")
        stack.callback(db.dispose)
        upgrade(db.engine)
        servers = [Backend() for _ in range(backends)]
        for server in servers:
            stack.callback(server.stop)
        names = [f"edge-{number + 1}" for number in range(edges)]
        fill(db, count, port=servers[0].port, edges=names)
        redis = stack.enter_context(running_redis())
        made = Platform(db, redis, [stack.enter_context(real_edge(redis, name)) for name in names], servers)
        made.start()
        stack.callback(made.stop)
        made.settled()
        yield made


def seconds(work: Any) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
