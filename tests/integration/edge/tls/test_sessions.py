"""Sessions are resumed by the host they began at, with the certificate they began with, and with keys that change."""

from __future__ import annotations

import ssl
from contextlib import closing

import pytest
from edge_certificates import NAMED_WORKERS, TlsRig, client, running_tls
from edge_rig import UnixConnection, read

from slipway.host.edge import control_socket
from tests.fixtures.waiting import eventually

SHOP, BLOG = "shop.example.org", "blog.example.org"


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name)
def context(request: pytest.FixtureRequest) -> ssl.SSLContext:
    return client(request.param)


@pytest.fixture(autouse=True)
def published(tls: TlsRig) -> None:
    tls.folder.write("1", [SHOP])
    tls.folder.write("2", [BLOG])
    tls.folder.write("3", ["*.wild.example.org"])
    tls.publish()


def visit(
    tls: TlsRig, host: str | None, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[str, bool, ssl.SSLSession]:
    """The worker, whether the session was resumed, and the one to resume next: TLS 1.3 sends it after the handshake."""
    with tls.connect(host, context, session) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host or 'none'}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        (worker,) = [line[10:] for line in answer.decode().splitlines() if line.startswith("X-Worker: ")]
        assert connection.session is not None
        return worker, bool(connection.session_reused), connection.session


def replace_key(tls: TlsRig) -> None:
    with closing(UnixConnection(control_socket(tls.rig.edge.settings))) as connection:
        connection.request("POST", "/ticket-key")
        assert read(connection).status == 204


def test_every_worker_resumes_it(tls: TlsRig, context: ssl.SSLContext) -> None:
    _, is_resumed, session = visit(tls, SHOP, context)
    assert not is_resumed

    found = tls.by_worker(lambda: visit(tls, SHOP, context, session))

    assert len(found) == 3
    assert all(is_resumed for _, is_resumed, _ in found.values())
    assert {int(worker) for worker, _, _ in found.values()} == found.keys()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SHOP, BLOG),
        (SHOP, "unknown.example.org"),
        ("unknown.example.org", SHOP),
        ("unknown.example.org", "nobodys.example.org"),
        ("a.wild.example.org", "b.wild.example.org"),
        (SHOP, None),
        (None, SHOP),
    ],
)
def test_no_other_host_resumes_it(tls: TlsRig, context: ssl.SSLContext, one: str | None, other: str | None) -> None:
    _, _, session = visit(tls, one, context)
    assert visit(tls, one, context, session)[1]

    _, is_resumed, _ = visit(tls, other, context, session)

    assert not is_resumed


def test_it_ends_with_its_certificate(tls: TlsRig, context: ssl.SSLContext) -> None:
    _, _, session = visit(tls, SHOP, context)
    tls.folder.write("1", [SHOP])
    tls.publish()
    _, is_resumed, session = visit(tls, SHOP, context, session)
    assert not is_resumed

    del tls.folder.rows["1"]
    tls.folder.publish()
    eventually(lambda: tls.is_default(SHOP))
    assert not visit(tls, SHOP, context, session)[1]


def test_the_key_of_before_opens_it_and_the_one_before_that_no_longer(tls: TlsRig, context: ssl.SSLContext) -> None:
    _, _, session = visit(tls, SHOP, context)
    replace_key(tls)
    assert visit(tls, SHOP, context, session)[1]

    replace_key(tls)
    assert not visit(tls, SHOP, context, session)[1]


def test_after_a_change_of_keys_tickets_are_sealed_with_the_new_one(tls: TlsRig, context: ssl.SSLContext) -> None:
    _, _, before = visit(tls, SHOP, context)
    replace_key(tls)
    assert visit(tls, SHOP, context, before)[1]  # a worker has the key of before set now
    _, _, after = visit(tls, SHOP, context)
    replace_key(tls)

    assert visit(tls, SHOP, context, after)[1]


def test_keys_change_by_themselves(context: ssl.SSLContext, tls: TlsRig) -> None:
    """Of an edge whose keys live for a second."""
    with running_tls({"SLIPWAY_EDGE_WORKERS": "1"}, {"ticket_key_s": 1}, NAMED_WORKERS) as short:
        _, _, session = visit(short, SHOP, context)
        eventually(lambda: not visit(short, SHOP, context, session)[1])


def test_a_reload_keeps_keys(tls: TlsRig, context: ssl.SSLContext) -> None:
    worker, _, session = visit(tls, SHOP, context)
    tls.rig.edge.reload()

    def is_anothers() -> bool:
        now, is_resumed, _ = visit(tls, SHOP, context, session)
        assert is_resumed
        return now != worker

    eventually(is_anothers)
