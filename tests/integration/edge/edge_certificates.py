"""Writes certificates for an edge, and their index, as docs/reference/edge.md says; and looks at what it serves."""

from __future__ import annotations

import datetime
import hashlib
import http.client
import ipaddress
import json
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from edge_metrics import Page
from edge_rig import DEADLINE_S, Answer, Rig, read, running

from slipway.host.certificate_follower import EVERY_S, Follower
from slipway.settings import Settings
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

T = TypeVar("T")
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NAMED_WORKERS = {"server_tokens off;": "server_tokens off; add_header X-Worker $pid always;"}
"""Each response says which worker it is from."""
DEFAULT_NAME = "slipway.invalid"


@dataclass(frozen=True)
class Made:
    """A certificate with its key, as PEM."""

    chain: bytes
    key: bytes
    serial: int
    not_after: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.chain + self.key).hexdigest()


def alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass(frozen=True)
class Authority:
    """Signs certificates that clients can check: two that sign themselves can't stand in one list of the trusted."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    pem: str


def make_authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    made = _builder(name, name, key, 30).add_extension(x509.BasicConstraints(True, None), critical=True)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return Authority(name, key, pem.decode())


def make(names: Sequence[str], days: float = 30, key: Key | None = None, authority: Authority | None = None) -> Made:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64])])
    made = (
        _builder(subject, authority.name if authority else subject, key, days)
        .add_extension(x509.SubjectAlternativeName([alternative(name) for name in names]), critical=False)
        .sign(authority.key if authority else key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = made.public_bytes(serialization.Encoding.PEM)
    return Made(chain, key.private_bytes(*form), made.serial_number, int(made.not_valid_after_utc.timestamp()))


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, days: float) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=40))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


@dataclass
class CertificateFolder:
    """`<state>/certificates/`, as the job that issues certificates leaves it."""

    path: Path
    version: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, id_: str, names: Sequence[str], made: Made | None = None) -> Made:
        """The files, and the index's row of them, which `publish` writes."""
        made = made or make(names)
        folder = self.path / id_
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(folder / "fullchain.pem", made.chain)
        put(folder / "key.pem", made.key)
        about = {"serial": f"{made.serial:x}", "not_after": made.not_after, "sha256": made.sha256}
        self.rows[id_] = {"names": list(names), **about}
        return made

    def clear(self) -> None:
        self.rows, self.hosts = {}, {}
        self.publish()

    def publish(self) -> None:
        self.version += 1
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        index = {"version": self.version, "certificates": self.rows, "hosts": self.hosts}
        put(self.path / "index.json", json.dumps(index).encode())

    def set_host(self, host: str, https: str, hsts_s: int = 0) -> None:
        self.hosts[host] = {"https": https, "hsts_s": hsts_s}
        self.publish()


def put(path: Path, content: bytes) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.write_bytes(content)
    aside.chmod(0o600)
    aside.replace(path)


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

    def _of(self, look: Callable[[], T], others: Sequence[int]) -> T:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: all(_stands_still(pid) for pid in others))  # else the connection wakes one of them
            return look()
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def publish(self) -> None:
        """Write the index, and wait until it is in force."""
        self.folder.publish()
        eventually(self.is_in_force)

    def is_in_force(self) -> bool:
        return all(
            self.serial(row["names"][0].replace("*", "any")) == int(row["serial"], 16)
            for row in self.folder.rows.values()
        )


def _stands_still(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")


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
