"""The agent's process, real Docker and a real edge: the only replica of an app dies under load, and the agent
learns it from events alone: it compares all apps once in ten minutes."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.adapters.firewall import install
from slipway.models import App, Replica
from tests.fixtures.engine import EnginePart, engine_part
from tests.fixtures.services.redis_server import RedisServer, running_redis
from tests.fixtures.waiting import eventually
from tests.integration.agent.test_process import Host
from tests.integration.routes.edges import RealEdge, real_edge

pytestmark = pytest.mark.engine

RATE = 50
FOR_S = 6.0
KILLED_AFTER_S = 1.0
FAILS_WITHIN_S = 30.0
"""Half of what a request may wait for a successor."""
APP = """
import http.server, os, sys
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/hog":
            bytearray(1 << 30)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    do_POST = do_GET
    def log_message(self, *args): pass
print("serving", flush=True)
http.server.ThreadingHTTPServer.request_queue_size = 256
http.server.ThreadingHTTPServer(("", 8000), App).serve_forever()
"""


@dataclass(frozen=True)
class Asked:
    method: str
    began_at: float
    status: int
    took_s: float


class Load:
    """So many requests a second, each on a connection of its own, whatever becomes of those before."""

    def __init__(self, port: int, host: str) -> None:
        self.done: list[Asked] = []
        self._port, self._host = port, host

    def run(self, seconds: float) -> None:
        began, threads = time.monotonic(), []
        for number in range(int(seconds * RATE)):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            threads.append(threading.Thread(target=self._ask, args=("POST" if number % 2 else "GET",), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(timeout=90)

    def _ask(self, method: str) -> None:
        began = time.monotonic()
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=80)) as connection:
            try:
                connection.request(method, "/", headers={"Host": self._host})
                status = connection.getresponse().status
            except (OSError, http.client.HTTPException):
                status = 0
        self.done.append(Asked(method, began, status, time.monotonic() - began))


def has_ended(process: int) -> bool:
    """A zombie has, too: its sockets are closed."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class OneReplica(Host):
    def __init__(self, part: EnginePart, redis: RedisServer, edge: RealEdge, url: str, folder: Path) -> None:
        super().__init__(part, redis, edge, url, folder)  # type: ignore[arg-type]
        self.environment |= {"SLIPWAY_RECONCILE_S": "600"}

    def replica(self, app: App) -> Replica:
        [found] = eventually(lambda: self.rig.replicas(app, state="ready"), what="its replica is ready", within_s=60)
        return found  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def host(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneReplica]:
    folder = tmp_path_factory.mktemp("deaths")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'slipway.db')}"
    with engine_part() as part, running_redis() as redis, real_edge(redis) as edge:
        made = OneReplica(part, redis, edge, url, folder)
        made.start()
        try:
            yield made
        finally:
            made.end()
            install.remove(part.settings)


@pytest.fixture(scope="module")
def app(host: OneReplica) -> App:
    command = f'python -u -c "{APP.replace(chr(34), chr(39))}"'
    more = {"resources": {"memory_mb": 64}, "waiting": {"timeout_s": 60}}  # a busy host starts it late
    made = host.rig.add_app("only", processes={"web": {"command": command}}, **more)
    deployment = host.deploy(made, "a" * 40)
    eventually(lambda: host.state(deployment) == "live", what="it is live", within_s=120)
    return made


def test_requests_that_come_when_the_only_replica_is_dead_are_answered_by_its_successor(
    host: OneReplica, app: App
) -> None:
    replica = host.replica(app)
    load = Load(host.edge.port, "only.localhost")  # type: ignore[attr-defined]
    running = threading.Thread(target=load.run, args=(FOR_S,))
    running.start()
    eventually(lambda: len(load.done) >= RATE * KILLED_AFTER_S, what="it is under load")
    first_process = host.part.api.inspect_container(str(replica.container_id))["State"]["Pid"]
    os.kill(first_process, signal.SIGKILL)  # at once, where the Engine takes its time
    eventually(lambda: has_ended(first_process), every_s=0.002, what="its process has ended")
    ended_at = time.monotonic()
    running.join(timeout=100)

    failed = [each for each in load.done if each.status != 200]
    after = [each for each in load.done if each.began_at > ended_at]
    print(f"{len(load.done)} requests, {len(failed)} failed, longest {max(each.took_s for each in load.done):.1f} s")
    assert len(load.done) == FOR_S * RATE
    assert len(after) > RATE
    for each in failed:
        assert each.status == 502, each
        assert each.began_at <= ended_at, f"{each} began {each.began_at - ended_at:.3f} s after the end"
        assert each.took_s < FAILS_WITHIN_S, each
    assert host.replica(app).restarts == 1
    assert host.replica(app).id == replica.id


def test_a_replica_that_needs_too_much_memory_says_so(host: OneReplica, app: App) -> None:
    replica = host.replica(app)
    status, _ = host.edge.ask("only.localhost", "/hog")  # type: ignore[attr-defined]
    assert status >= 500
    ended = eventually(
        lambda: next((each for each in host.rig.replicas(app) if (each.last_crash or {}).get("out_of_memory")), None),
        what="its end is recorded",
    )
    assert ended.last_crash["memory_bytes"] == 64 << 20
    assert ended.out_of_memory_at is not None
    what = "[slipway] ended: out of memory (64 MB); started again "

    def kept_lines() -> list[str]:
        lines = b"".join(host.rig.agent.output_store.kept(replica.id)).decode().splitlines()
        return lines if any(what in line for line in lines) else []

    kept = eventually(kept_lines, what="its output is kept when it is started again")
    assert [line.partition(" ")[2] for line in kept if "serving" in line]
    host.replica(app)
