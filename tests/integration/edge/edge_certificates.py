"""An edge with HTTPS whose certificates a test writes, and what it serves."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from edge_metrics import Page
from edge_rig import DEADLINE_S, Answer, Rig, read, running

from slipway.host.certificate_follower import EVERY_S, Follower
from slipway.settings import Settings
from tests.fixtures.certificates import CertificateFolder
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

T = TypeVar("T")
NAMED_WORKERS = {"server_tokens off;": "server_tokens off; add_header X-Worker $pid always;"}
"""Each response says which worker it is from."""
DEFAULT_NAME = "slipway.invalid"
STALLED_AFTER_S = 3.0


def client(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


@dataclass
class TlsRig:
    rig: Rig
    port: int
    folder: CertificateFolder
    faults: list[str]

    def connect(
        self, host: str | None, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
    ) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        try:
            return (context or client()).wrap_socket(plain, server_hostname=host, session=session)
        except (ssl.SSLError, OSError):
            plain.close()
            raise

    def served(self, host: str | None) -> x509.Certificate:
        with self.connect(host) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")

    def serial(self, host: str | None) -> int:
        return self.served(host).serial_number

    def is_default(self, host: str | None) -> bool:
        return names(self.served(host)) == [DEFAULT_NAME]

    def ask(self, host: str, path: str = "/", method: str = "GET", named: str | None = "", **headers: str) -> Answer:
        """Over TLS; `named` is the host of the handshake, where that is another one (None: none)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        with closing(self.connect(host if named == "" else named)) as connection.sock:
            connection.request(method, path, headers={"Host": host, **headers})
            return read(connection)

    def metric(self, name: str, **labels: str) -> float:
        return Page(self.rig.edge.private("/metrics").body.decode()).value(name, **labels)

    def by_worker(self, look: Callable[[], T]) -> dict[int, T]:
        """What each worker makes of it: the others stand still meanwhile."""
        workers: list[int] = self.rig.edge.status["workers"]
        return {pid: self._of(look, [other for other in workers if other != pid]) for pid in workers}

    def is_served_by_every_worker(self, host: str, serial: int) -> bool:
        found = self.by_worker(lambda: self.serial(host))
        return len(found) == self.rig.edge.settings.edge_workers and set(found.values()) == {serial}

    def _of(self, look: Callable[[], T], others: Sequence[int]) -> T:
        """A worker that was stopped while it held a lock of shared memory stops the one that is looked at, too: then
        all go on, and it is looked again."""

        def seen() -> tuple[T] | None:
            with ThreadPoolExecutor(1) as thread, _standing_still(others):
                looking = thread.submit(look)
                return (looking.result(),) if wait([looking], STALLED_AFTER_S).done else None

        found: tuple[T] = eventually(seen, what="the one worker that goes on answers")
        return found[0]

    def publish(self) -> None:
        """Write the index, and wait until it is in force."""
        self.folder.publish()
        eventually(self.is_in_force)

    def is_in_force(self) -> bool:
        return all(
            self.serial(row["names"][0].replace("*", "any")) == int(row["serial"], 16)
            for row in self.folder.rows.values()
        )


@contextmanager
def _standing_still(pids: Sequence[int]) -> Iterator[None]:
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        eventually(lambda: all(map(_stands_still, pids)))  # else the connection wakes one of them
        yield
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it was killed a moment ago
        os.kill(pid, number)


def _stands_still(pid: int) -> bool:
    """Or is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "TZX"
    except FileNotFoundError:
        return True


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(each.value) for each in found]


@contextmanager
def running_tls(
    environ: Mapping[str, str] | None = None,
    lua: Mapping[str, object] | None = None,
    conf: Mapping[str, str] | None = None,
) -> Iterator[TlsRig]:
    """An edge with HTTPS, and without any certificate but its own."""
    port = free_port()
    with running({"SLIPWAY_HTTPS_LISTEN": f"127.0.0.1:{port}", **(environ or {})}, lua, conf) as rig:
        folder = CertificateFolder(rig.edge.settings.certificate_dir)
        with following(rig.edge.settings) as faults:
            yield TlsRig(rig, port, folder, faults)


@contextmanager
def following(settings: Settings) -> Iterator[list[str]]:
    """Certificates are brought, as the process does that holds the edge's ports; what was at fault."""
    faults: list[str] = []
    follower, stopped = Follower(settings, faults.append), threading.Event()

    def follow() -> None:
        while not stopped.wait(EVERY_S):
            follower.look()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield faults
    finally:
        stopped.set()
        thread.join()
