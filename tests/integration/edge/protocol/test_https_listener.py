"""The process that holds the edge's ports, with HTTPS among them."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest
from edge_publisher import Publisher, target
from edge_rig import RedisServer, short_folder
from edge_tls import Http2Client, connect, make_certificate

from slipway.host import checkout
from slipway.host.edge_listener import listen_on
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

ENDED_AT_ONCE_S = 1.0  # nginx that ends within this is not started again


@pytest.fixture
def place():
    with short_folder() as folder:
        yield folder


@pytest.fixture
def publisher(place):
    redis_server = RedisServer(place)
    redis_server.start()
    made = Publisher(redis_server.client)
    made.start()
    yield made
    redis_server.stop()


@contextmanager
def listener(folder, **settings):
    environ = {"SLIPWAY_STATE_DIR": str(folder), "SLIPWAY_EDGE_WORKERS": "1", "PATH": os.environ["PATH"]}
    environ |= {f"SLIPWAY_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "slipway.host.edge_listener"]
    process = subprocess.Popen(command, env=environ, cwd=checkout.ROOT, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_an_unusable_certificate_is_said_and_nothing_starts(place):
    ports = {"http_listen": f"127.0.0.1:{free_port()}", "https_listen": f"127.0.0.1:{free_port()}"}
    with listener(place, **ports, tls_certificate="/none.pem", tls_key="/none.key") as process:
        said = process.stderr.read()
        assert process.wait(60) == 1

    assert said.startswith("SLIPWAY_TLS_CERTIFICATE: /none.pem can't be read: No such file or directory")


def test_a_stop_that_comes_while_nginx_is_started_again_is_heeded(place, publisher):
    with listener(place, http_listen=f"127.0.0.1:{free_port()}") as process:
        eventually(publisher.is_in_force)
        started = time.monotonic()
        eventually(lambda: time.monotonic() > started + ENDED_AT_ONCE_S)
        os.kill(int((place / "run" / "edge.pid").read_text()), signal.SIGKILL)
        process.terminate()
        assert process.wait(60) is not None


def test_https_outlives_a_killed_nginx_and_takes_a_new_certificate_on_hup(place, publisher, backend):
    certificate, key = make_certificate(place)
    plain, secure = free_port(), free_port()
    ports = {"http_listen": f"127.0.0.1:{plain}", "https_listen": f"127.0.0.1:{secure}"}

    def serial() -> int:
        with closing(connect(secure, certificate, "h2")) as connection:
            return int(connection.getpeercert()["serialNumber"], 16)

    def is_served() -> bool:
        """A worker whose master is gone may still take a connection, and ends it."""
        try:
            with closing(connect(secure, certificate, "h2")) as connection:
                return Http2Client(connection).ask().headers.get(":status") == "200"
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return False

    def nginx() -> int:
        pid = place / "run" / "edge.pid"
        return int(pid.read_text()) if pid.exists() and pid.read_text().strip() else 0

    with listener(place, **ports, tls_certificate=certificate, tls_key=key) as process:
        eventually(publisher.is_in_force)
        started = time.monotonic()
        publisher.route("shop.localhost", target(backend().port))
        eventually(publisher.is_in_force)
        assert is_served()

        eventually(lambda: time.monotonic() > started + ENDED_AT_ONCE_S)
        first = nginx()
        os.kill(first, signal.SIGKILL)
        eventually(is_served)  # never refused: who connects meanwhile waits in the socket's queue
        eventually(lambda: nginx() != first)

        before = serial()
        make_certificate(place)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: _other(serial, before))
        eventually(is_served)


def _other(serial, before) -> bool:
    try:
        return serial() != before
    except (ssl.SSLError, ConnectionError):  # the client trusts the new one alone
        return False


def test_a_worker_that_comes_too_late_for_a_connection_does_not_wait_for_the_next():
    """Two workers are notified of one connection: for the slower one accept() must fail."""
    with closing(listen_on(f"127.0.0.1:{free_port()}")) as held:
        assert not os.get_blocking(held.fileno())
