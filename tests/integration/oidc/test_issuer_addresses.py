"""What is fetched from issuers that tenants name: from checked addresses, under the name that was asked for."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slipway.adapters.git import public_hosts
from slipway.adapters.oidc.jobs import issuer_http
from slipway.adapters.oidc.jobs.issuer_http import IssuerHttp
from slipway.core.naming import issuer_url
from slipway.errors import InvalidInput
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.ports import free_port
from tests.fixtures.repository_spellings import ADDRESSES_INSIDE

NAME = "issuer.example.org"


class Server(BaseHTTPRequestHandler):
    hosts: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Not to the test's output."""


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), now - day, now + day
    )
    made = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(
        key, hashes.SHA256()
    )
    (folder / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    return folder / "chain.pem", folder / "key.pem"


@pytest.fixture
def tls_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server on loopback with a certificate for NAME, which this test's authorities have signed."""
    chain, key = certificate(tmp_path, NAME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Server)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Server.hosts.clear()
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    trusting = ssl.create_default_context(cafile=str(chain))
    monkeypatch.setattr(issuer_http, "authorities", lambda: trusting)
    monkeypatch.setattr(public_hosts, "addresses", lambda _: ["127.0.0.1"])
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_connection_keeps_the_name_for_tls_and_for_the_server(tls_port: int) -> None:
    answer = IssuerHttp((f"{NAME}:{tls_port}",), {}).get(f"https://{NAME}:{tls_port}/keys")
    assert answer.json() == {}
    assert Server.hosts == [f"{NAME}:{tls_port}"]


def test_a_certificate_for_another_name_is_refused(tls_port: int) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        IssuerHttp((f"other.example.org:{tls_port}",), {}).get(f"https://other.example.org:{tls_port}/keys")
    assert Server.hosts == []


def test_a_name_that_leads_inside_is_refused(tls_port: int) -> None:
    with pytest.raises(httpx.HTTPError, match="not allowed"):
        IssuerHttp(("public",), {}).get(f"https://{NAME}:{tls_port}/keys")
    assert Server.hosts == []


def test_a_name_is_resolved_once(provider: OidcProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leads to a moment later does not matter."""
    answers = iter([["192.0.2.1"]])
    monkeypatch.setattr(public_hosts, "addresses", lambda _: next(answers))
    monkeypatch.setattr(public_hosts, "_is_inside", lambda _: False)
    monkeypatch.setattr(issuer_http, "CONNECT_TIMEOUT_S", 0.1)
    with pytest.raises(httpx.HTTPError):
        IssuerHttp(("public",), {}).get(f"https://{NAME}:{provider.port}/keys")
    assert provider.asked == []


@pytest.mark.parametrize(
    ("listed", "scheme"),
    [(("public",), "http"), ((), "http"), (("ci.example.org",), "http"), (("ci.example.org",), "https")],
)
def test_a_public_address_that_the_settings_do_not_allow(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch, listed: tuple[str, ...], scheme: str
) -> None:
    """Without TLS, or on a host that is not in the list."""
    monkeypatch.setattr(public_hosts, "addresses", lambda _: ["127.0.0.1"])
    monkeypatch.setattr(public_hosts, "_is_inside", lambda _: False)
    with pytest.raises(httpx.UnsupportedProtocol):
        IssuerHttp(listed, {}).get(f"{scheme}://{NAME}:{provider.port}/keys")
    assert provider.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_leads_into_this_host(provider: OidcProvider, scheme: str) -> None:
    http = IssuerHttp(("public",), {})
    spellings = [each.replace("http:", f"{scheme}:", 1).format(port=provider.port) for each in _with_place()]
    assert len(spellings) > 100
    for spelling in spellings:
        with pytest.raises(httpx.HTTPError):
            http.get(spelling)
        with pytest.raises(InvalidInput):
            issuer_url.parse(spelling, ("public",))
    assert provider.asked == []


def _with_place() -> list[str]:
    return [each for each in ADDRESSES_INSIDE if each.startswith("http") and "{a}" not in each]


def test_only_a_host_that_is_listed_may_be_inside_and_without_tls(provider: OidcProvider) -> None:
    url = f"{provider.issuer}/.well-known/openid-configuration"
    assert IssuerHttp((f"127.0.0.1:{provider.port}",), {}).get(url).status_code == 200
    for listed in ((), ("public",), (f"127.0.0.1:{provider.port + 1}",), ("ci.example.org",)):
        with pytest.raises(httpx.HTTPError):
            IssuerHttp(listed, {}).get(url)
    assert provider.count("configuration") == 1


def test_a_proxy_of_the_environment_is_used_but_not_for_what_it_excepts(provider: OidcProvider) -> None:
    """The proxy is the provider's server, which is asked for a whole URL then."""
    proxy = {"HTTP_PROXY": provider.url, "NO_PROXY": "inside.example.org"}
    listed = ("ci.example.org", "inside.example.org")
    answer = IssuerHttp(listed, proxy).get("http://ci.example.org/x")
    assert (answer.status_code, provider.asked[-1].endpoint) == (404, "elsewhere")
    with pytest.raises(httpx.HTTPError):  # it does not resolve here, and no proxy may be asked
        IssuerHttp(listed, proxy).get("http://inside.example.org/x")
    assert len(provider.asked) == 1
