"""What the edge counts of the traffic, and how it is reported."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from edge_clients import echo, open_socket
from edge_metrics import Page, classes
from edge_publisher import target
from edge_rig import running

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

DOCS = Path(__file__).parents[4] / "docs" / "reference" / "edge-metrics.md"


@pytest.fixture
def rig():
    with running({}, {"usage_every_s": 0.05}) as made:
        yield made


def page(rig) -> Page:
    answer = rig.edge.private("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Page(answer.body.decode())


def counted(rig, expected, **labels):
    eventually(lambda: classes(page(rig), **labels) == expected)
    return page(rig)


def exchange(rig, request: bytes) -> bytes:
    """Everything that comes back."""
    with rig.edge.raw(request) as connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_every_answer_counts_once_in_its_class(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port, "r-1"), target(free_port(), "r-2"))  # the second one refuses
    rig.route("empty.localhost", app="2")

    for method, path in [("GET", "/"), ("HEAD", "/"), ("POST", "/"), ("GET", "/status/404"), ("GET", "/status/503")]:
        for _ in range(4):
            rig.edge.ask("shop.localhost", path, method)
    rig.edge.ask("shop.localhost", "/die", "POST")
    rig.edge.ask("empty.localhost")
    rig.edge.ask("nobody.localhost")
    exchange(rig, b"GET / HTTP/1.1\r\n\r\n")  # nginx refuses it

    counted(rig, {"2xx": 12, "4xx": 4, "5xx": 5}, app="app1", tenant="acme")
    counted(rig, {"5xx": 1}, app="app2")
    counted(rig, {"4xx": 2}, app="")


def test_each_replica_counts_its_own_and_a_retry_counts_at_the_last(rig, backend):
    one, two = backend("one"), backend("two")
    rig.route("shop.localhost", target(one.port, "r-1"), target(two.port, "r-2"))
    for _ in range(10):
        rig.edge.ask("shop.localhost")
    rig.route("shop.localhost", target(one.port, "r-1"), target(free_port(), "r-3"))
    for _ in range(3):
        rig.edge.ask("shop.localhost", method="POST")

    shown = counted(rig, {"2xx": 13}, app="app1")

    assert classes(shown, "replica_requests_total", replica="r-1") == {"2xx": 8}
    assert classes(shown, "replica_requests_total", replica="r-2") == {"2xx": 5}
    assert classes(shown, "replica_requests_total", replica="r-3") == {}
    assert shown.value("retries_total", app="app1") in (1, 2)


def test_bytes_are_those_on_the_wire(rig, backend):
    rig.route("shop.localhost", target(backend().port))
    head = b"POST /x HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\nContent-Length: 70000\r\n\r\n"
    request = head + 70000 * b"x"

    answer = exchange(rig, request)

    shown = counted(rig, {"2xx": 1}, app="app1")
    assert shown.value("bytes_total", app="app1", direction="in") == len(request)
    assert shown.value("bytes_total", app="app1", direction="out") == len(answer)
    assert shown.value("replica_bytes_total", app="app1") == len(request) + len(answer)


def test_a_client_that_leaves_counts(rig, backend):
    rig.route("shop.localhost", target(backend().port))

    for _ in range(3):
        connection = rig.edge.raw(b"GET /slow HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        eventually(lambda: rig.edge.status["inflight"])
        connection.close()
        eventually(lambda: not rig.edge.status["inflight"])

    counted(rig, {"4xx": 3}, app="app1")


def test_a_websocket_counts_with_its_bytes_and_without_its_time(rig, backend):
    rig.route("shop.localhost", target(backend().port, "r-1"))
    connection = open_socket(rig)
    for _ in range(10):
        assert echo(connection, 1000 * b"x")
    eventually(lambda: page(rig).value("inflight", replica="r-1") == 1)
    connection.close()

    shown = counted(rig, {"1xx": 1}, app="app1")
    assert shown.value("inflight", replica="r-1") == 0
    assert shown.value("bytes_total", direction="in", app="app1") > 10_000
    assert shown.value("bytes_total", direction="out", app="app1") > 10_000
    assert shown.value("request_duration_seconds_count", app="app1") == 0

    connection = open_socket(rig)
    eventually(lambda: page(rig).value("inflight", app="app1", replica="r-1") == 1)
    connection.close()


def test_a_stream_counts_without_its_time(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))
    with rig.edge.raw(b"GET /stream HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n") as connection:
        began = time.monotonic()
        stream = connection.makefile("rb")
        eventually(lambda: stream.readline() and time.monotonic() > began + 1.1)
        app.release.set()
        stream.read()

    shown = counted(rig, {"2xx": 1}, app="app1")
    assert shown.value("request_duration_seconds_count", app="app1") == 0


def test_durations_fall_into_buckets(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))
    for _ in range(5):
        rig.edge.ask("shop.localhost")
    connection = rig.edge.raw(b"GET /slow HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n")
    asked = time.monotonic()
    eventually(lambda: time.monotonic() > asked + 0.3)
    app.release.set()
    while connection.recv(4096):
        pass
    connection.close()

    shown = counted(rig, {"2xx": 6}, app="app1")

    buckets = shown.buckets("request_duration_seconds", app="app1")
    assert buckets == sorted(buckets)
    assert buckets[-1] == shown.value("request_duration_seconds_count", app="app1") == 6
    assert shown.value("request_duration_seconds_bucket", app="app1", le="0.25") == 5
    assert 0.3 <= shown.value("request_duration_seconds_sum", app="app1") < 3


def test_a_killed_worker_takes_no_count_with_it(rig, backend):
    rig.route("shop.localhost", target(backend().port, "r-1"))
    connections = [open_socket(rig) for _ in range(4)]
    for asked in (20, 40, 60):
        for _ in range(20):
            rig.edge.ask("shop.localhost")
        eventually(lambda asked=asked: classes(page(rig), "replica_requests_total", replica="r-1") == {"2xx": asked})
        rig.edge.replace(rig.edge.leader())

    rig.edge.kill(*rig.edge.status["workers"])
    eventually(lambda: page(rig).value("inflight") == 0, within_s=10)
    counted(rig, {"2xx": asked}, app="app1")
    for connection in connections:
        connection.close()


def test_refusals_tell_their_code(rig):
    rig.route("empty.localhost", app="2", waiting={"timeout_s": 0.05})
    rig.edge.ask("empty.localhost")
    rig.edge.ask("nobody.localhost")

    eventually(lambda: page(rig).value("refusals_total", app="app2", code="no-ready-replica") == 1)
    eventually(lambda: page(rig).value("refusals_total", app="", code="unknown-host") == 1)
    assert page(rig).value("refusals_total") == 2


def test_how_many_wait_is_reported(rig, backend):
    rig.route("empty.localhost", app="2", waiting={"timeout_s": 0.01})
    rig.edge.ask("empty.localhost")
    counted(rig, {"5xx": 1}, app="app2")
    rig.route("empty.localhost", app="2", waiting={"timeout_s": 30})

    connection = rig.edge.raw(b"GET / HTTP/1.1\r\nHost: empty.localhost\r\n\r\n")
    eventually(lambda: page(rig).value("waiting", app="app2") == 1)
    connection.close()
    eventually(lambda: page(rig).value("waiting", app="app2") == 0)


def test_ejections_and_open_circuits_are_reported(rig):
    gone = target(free_port(), "r-1"), target(free_port(), "r-2")
    plans = {"ejection": {"failures": 2, "pause_s": 60}, "breaker": {"failures": 3, "pause_s": 60}}
    rig.route("shop.localhost", *gone, waiting={"timeout_s": 0.1}, **plans)

    eventually(lambda: rig.edge.ask("shop.localhost").json["code"] == "circuit-open")
    eventually(lambda: page(rig).value("circuit_open", app="app1") == 1)
    eventually(lambda: page(rig).value("ejected", app="app1") >= 1)  # the other worker may know before this one
    eventually(lambda: page(rig).value("circuit_openings_total", app="app1") == 1)
    eventually(lambda: page(rig).value("ejections_total", app="app1") >= 1)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_own_linter_finds_nothing(rig, backend):
    rig.route("shop.localhost", target(backend().port))
    rig.edge.ask("shop.localhost")
    eventually(lambda: classes(page(rig), app="app1"))

    text = rig.edge.private("/metrics").body
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_a_name_from_outside_can_not_break_the_page(rig, backend):
    rig.route("shop.localhost", target(backend().port), name='a"b\\c\nd')
    rig.edge.ask("shop.localhost")

    counted(rig, {"2xx": 1}, app='a\\"b\\\\c\\nd')


def test_every_metric_is_in_the_docs_and_the_other_way_round(rig, backend):
    rig.route("shop.localhost", target(backend().port))
    rig.edge.ask("shop.localhost")
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| `slipway_")]
    documented = {row.split("`")[1].split("{")[0] for row in rows}

    assert set(page(rig).families) == documented


def test_every_dictionary_in_shared_memory_is_in_the_docs_by_its_name(rig):
    """The name is a label's value: dashboards and alerts have it."""
    (row,) = [line for line in DOCS.read_text().splitlines() if line.startswith("| `slipway_edge_shared_memory_bytes")]
    samples = page(rig).families["slipway_edge_shared_memory_bytes"].samples

    assert {dict(labels)["dictionary"] for _, labels in samples} == set(re.findall(r"`(slipway_[a-z]+)`", row))


def test_a_listener_of_its_own_tells_metrics_and_nothing_else(backend):
    port = free_port()
    with running({"SLIPWAY_METRICS_LISTEN": f"127.0.0.1:{port}"}) as made:
        made.edge.port = port

        assert made.edge.ask("localhost", "/metrics").status == 200
        assert made.edge.ask("localhost", "/status").status == 404


def test_what_left_the_table_is_forgotten_when_it_is_quiet_and_its_requests_stay_counted(backend):
    with running({}, {"usage_every_s": 0.05, "metrics_idle_s": 0.3, "metrics_look_s": 0.1}) as made:
        one, two = backend("one"), backend("two")
        made.route("shop.localhost", target(one.port, "r-1"))
        for _ in range(5):
            made.edge.ask("shop.localhost")
        counted(made, {"2xx": 5}, app="app1")
        made.route("shop.localhost", target(two.port, "r-2"))
        made.edge.ask("shop.localhost")

        eventually(lambda: classes(page(made), "replica_requests_total") == {"2xx": 1})
        counted(made, {"2xx": 6}, app="app1")

        made.unroute("shop.localhost")
        eventually(lambda: not classes(page(made), app="app1"))
        eventually(lambda: made.redis.client.hget("slipway:edges:metrics:edge-1", "1") is None)

        made.route("shop.localhost", target(two.port, "r-2"))
        made.edge.ask("shop.localhost")
        counted(made, {"2xx": 1}, app="app1")
