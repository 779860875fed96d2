"""Least load from end to end: real replicas, one of them capped at 0.2 CPU and busy, measured as the agent does."""

from __future__ import annotations

import concurrent.futures
import socket
import time
from collections import Counter
from contextlib import closing, suppress

import pytest
from edge_publisher import target

from builder.agent.telemetry.loads import EVERY_S, LoadMeter
from slipway.adapters.redis.routes import RedisRoutes
from tests.fixtures.engine import engine_part
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.engine

HOST = "shop.localhost"
SERVER = """
import http.server, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(sys.argv[1])))
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())
    def log_message(self, *args): pass
def work():
    while True: pass
if sys.argv[1] == "busy":
    threading.Thread(target=work, daemon=True).start()
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


@pytest.fixture
def replicas():
    """Name → (address, container)."""
    with engine_part() as engine, closing(engine.runtime()) as runtime:
        started = {}
        for slot, name in enumerate(("one", "busy", "two"), start=10):
            spec = engine.spec(slot=slot, argv=("python", "-c", SERVER, name), cpus=0.2 if name == "busy" else 1)
            replica = runtime.start(spec)
            started[name] = (replica.address, replica.container_id)
        yield runtime, started


def listens(address):
    with suppress(OSError), closing(socket.create_connection((address, 8000), timeout=1)):
        return True
    return False


def test_a_capped_and_busy_replica_is_steered_away_from(rig, replicas):
    runtime, started = replicas
    containers = [(name, container) for name, (_, container) in started.items()]
    meter = LoadMeter(runtime, RedisRoutes(rig.redis.client), lambda: containers)
    for address, _ in started.values():
        eventually(lambda address=address: listens(address), within_s=20)
    targets = [target(8000, name, address) for name, (address, _) in started.items()]
    rig.route(HOST, *targets, balancing="least_load")

    measured_at = 0.0

    def is_known():
        nonlocal measured_at
        if time.monotonic() - measured_at >= EVERY_S:  # a cap is in force for tenths of a second
            measured_at = time.monotonic()
            meter.measure()
        loads = rig.edge.status["loads"]
        return len(loads) == 3 and loads["busy"] > 0.8 and loads

    loads = eventually(is_known, within_s=20)
    assert max(loads["one"], loads["two"]) < 0.5

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: rig.edge.ask(HOST).body.decode(), range(150)))

    counts = Counter(answers)
    assert counts["busy"] <= 15, "a third of them by turns"
    assert min(counts["one"], counts["two"]) >= 25, "neither is left out, though one may be slower on a busy host"
