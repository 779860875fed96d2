"""An edge with HTTPS, and a client that speaks HTTP/2 frame by frame."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.settings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from edge_rig import DEADLINE_S, Rig, running

from tests.fixtures.ports import free_port

WINDOW_BYTES = 1 << 20


HOSTS = ("shop.localhost", "blog.localhost", "slipway.localhost")


def make_certificate(folder: Path, name: str = "edge") -> tuple[Path, Path]:
    """A certificate for HOSTS that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(key.private_bytes(*encoding))
    return certificate, secret


def connect(port: int, certificate: Path, *protocols: str, host: str = "shop.localhost") -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificate))
    context.set_alpn_protocols(list(protocols))
    plain = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except (ssl.SSLError, OSError):
        plain.close()
        raise


@dataclass
class SecureRig:
    rig: Rig
    port: int
    certificate: Path

    def connect(self, *protocols: str, host: str = "shop.localhost") -> ssl.SSLSocket:
        return connect(self.port, self.certificate, *protocols, host=host)

    def http2(self, host: str = "shop.localhost", window_bytes: int = WINDOW_BYTES) -> Http2Client:
        return Http2Client(self.connect("h2", host=host), window_bytes)


@contextmanager
def running_with_https(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    lua: Mapping[str, object] | None = None,
    conf: Mapping[str, str] | None = None,
) -> Iterator[SecureRig]:
    certificate, key = make_certificate(folder)
    port = free_port()
    values = {
        "SLIPWAY_HTTPS_LISTEN": f"127.0.0.1:{port}",
        "SLIPWAY_TLS_CERTIFICATE": str(certificate),
        "SLIPWAY_TLS_KEY": str(key),
    }
    with running({**values, **(environ or {})}, lua, conf) as rig:
        yield SecureRig(rig, port, certificate)


@dataclass
class Stream:
    """What came on one stream. `reset` is the error's code, when the edge ended it so."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers[":status"])

    @property
    def is_over(self) -> bool:
        return self.ended or self.reset is not None


class Http2Client:
    """One connection. `window_bytes` is how much may come before it was read."""

    def __init__(self, connection: ssl.SSLSocket, window_bytes: int = WINDOW_BYTES) -> None:
        assert connection.selected_alpn_protocol() == "h2"
        self.socket = connection
        # What a client must not send is for the edge to refuse, not for the library.
        lenient = {"validate_outbound_headers": False, "normalize_outbound_headers": False}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8", **lenient))
        self.h2.local_settings = h2.settings.Settings(
            initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window_bytes,
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
            }
        )
        self.streams: dict[int, Stream] = {}
        self.is_gone = False
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 28)
        self.flush()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Http2Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(
        self,
        path: str = "/",
        method: str = "GET",
        host: str = "shop.localhost",
        headers: Iterable[tuple[str, str]] = (),
        end: bool = True,
    ) -> int:
        """Send a request's headers; its stream's number."""
        number = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
        self.streams[number] = Stream()
        self.h2.send_headers(number, [*pseudo, *headers], end_stream=end)
        self.flush()
        return number

    def send(self, number: int, data: bytes, end: bool = False) -> None:
        """Send a part of the body, as fast as the edge takes it."""
        rest = memoryview(data)
        while rest:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size, len(rest))
            if room == 0:
                self._receive()
                continue
            self.h2.send_data(number, bytes(rest[:room]))
            self.flush()
            rest = rest[room:]
        if end:
            self.h2.end_stream(number)
            self.flush()

    def abort(self, number: int) -> None:
        self.h2.reset_stream(number)
        self.flush()

    def read(self, number: int, at_least: int | None = None) -> Stream:
        """The stream once it is over, or once so many bytes of its body are there."""
        stream = self.streams[number]
        while not stream.is_over and not self.is_gone and (at_least is None or len(stream.body) < at_least):
            self._receive()
        return stream

    def poll(self) -> None:
        """Take what is there, without waiting."""
        self.socket.settimeout(0)
        with suppress(ssl.SSLWantReadError):
            self._receive()
        self.socket.settimeout(DEADLINE_S)

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None, **more: object) -> Stream:
        number = self.begin(path, method, end=body is None, **more)  # type: ignore[arg-type]
        if body is not None:
            self.send(number, body, end=True)
        return self.read(number)

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def _receive(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            self.is_gone = True
            return
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self.is_gone = True
        number = getattr(event, "stream_id", None)
        if number not in self.streams:
            return
        stream = self.streams[number]
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = int(event.error_code)
