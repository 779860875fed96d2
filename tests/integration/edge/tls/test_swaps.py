"""Certificates change, and processes die, while clients come."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_backend import Server
from edge_certificates import TlsRig
from edge_https_clients import Clients
from edge_publisher import Publisher, target
from edge_rig import RedisServer, short_folder

from slipway.host import checkout
from tests.fixtures.certificates import CertificateFolder, make, make_authority
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

ENDED_AT_ONCE_S = 1.0  # nginx that ends within this is not started again
SHOP = "shop.example.org"


def is_served_by_every_worker(tls: TlsRig, serial: int) -> bool:
    return tls.is_served_by_every_worker(SHOP, serial)


def test_a_change_under_load_fails_nobody_and_reaches_every_worker(tls: TlsRig) -> None:
    backend = Server("one", 0)
    tls.rig.route(SHOP, target(backend.port))
    authority = make_authority()
    made = [make([SHOP], authority=authority) for _ in range(4)]
    tls.folder.write("1", [SHOP], made[0])
    tls.publish()

    with Clients(tls, SHOP, authority.pem) as clients:
        for each in made[1:]:
            tls.folder.write("1", [SHOP], each)
            tls.folder.publish()
            eventually(lambda serial=each.serial: is_served_by_every_worker(tls, serial))
        last = clients.served.copy()
        eventually(lambda: clients.each_was_served_since(last))

    assert clients.failed == []
    backend.stop()


def test_a_connection_outlives_the_certificate_that_it_was_made_with(tls: TlsRig) -> None:
    backend = Server("one", 0)
    tls.rig.route(SHOP, target(backend.port))
    tls.folder.write("1", [SHOP])
    tls.publish()
    connection = http.client.HTTPConnection(SHOP)
    connection.sock = tls.connect(SHOP)

    tls.folder.write("1", [SHOP])
    tls.publish()

    connection.request("GET", "/")
    with connection.getresponse() as response:
        assert response.status == 200
    connection.close()
    backend.stop()


def test_a_new_worker_has_what_others_have(tls: TlsRig) -> None:
    made = tls.folder.write("1", [SHOP])
    tls.publish()
    tls.rig.edge.replace(*tls.rig.edge.status["workers"][:2])
    eventually(lambda: _worked(lambda: is_served_by_every_worker(tls, made.serial)))

    changed = tls.folder.write("1", [SHOP])
    tls.folder.publish()
    eventually(lambda: is_served_by_every_worker(tls, changed.serial))
    tls.rig.edge.errors.write_text("")  # it says that workers were killed


def test_a_reload_keeps_certificates_and_goes_on_following(tls: TlsRig) -> None:
    made = tls.folder.write("1", [SHOP])
    tls.publish()
    before = set(tls.rig.edge.status["workers"])
    tls.rig.edge.reload()
    eventually(lambda: not before & set(tls.rig.edge.status["workers"]))
    eventually(lambda: is_served_by_every_worker(tls, made.serial))

    changed = tls.folder.write("1", [SHOP])
    tls.folder.publish()
    eventually(lambda: is_served_by_every_worker(tls, changed.serial))


def _worked(condition: object) -> bool:
    """A worker that ends may take a connection and close it."""
    try:
        return bool(condition())  # type: ignore[operator]
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def listener(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The process that holds the edge's ports, as it is installed."""
    environ = {
        "SLIPWAY_STATE_DIR": str(folder),
        "SLIPWAY_EDGE_WORKERS": "2",
        "SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{free_port()}",
        "SLIPWAY_HTTPS_LISTEN": f"127.0.0.1:{port}",
        "PATH": os.environ["PATH"],
    }
    with (folder / "listener.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "slipway.host.edge_listener"], env=environ, cwd=checkout.ROOT, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_after_a_killed_nginx_and_a_killed_listener_the_newest_certificate_serves() -> None:
    with short_folder() as folder:
        redis_server, port = RedisServer(folder), free_port()
        redis_server.start()
        publisher = Publisher(redis_server.client)
        publisher.start()
        certificates = CertificateFolder(folder / "certificates")
        tls = TlsRig(None, port, certificates, [])  # type: ignore[arg-type]

        def change() -> int:
            serial = certificates.write("1", [SHOP]).serial
            certificates.publish()
            return serial

        def is_served(serial: int) -> bool:
            return _worked(lambda: tls.serial(SHOP) == serial)

        with listener(folder, port) as process:
            first = change()
            eventually(lambda: is_served(first))
            served = time.monotonic()
            eventually(lambda: time.monotonic() > served + ENDED_AT_ONCE_S)
            nginx = int((folder / "run" / "edge.pid").read_text())
            os.kill(nginx, signal.SIGKILL)
            second = change()
            eventually(lambda: is_served(second))
            third = change()
            eventually(lambda: is_served(third))
            process.kill()
            process.wait()
        fourth = change()
        with listener(folder, port):
            eventually(lambda: is_served(fourth))
            fifth = change()
            eventually(lambda: is_served(fifth))
        redis_server.stop()
