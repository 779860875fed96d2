"""Request bodies that are under way together: of a client, an app, a tenant, of all. The bounds are made small here."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import pytest
from edge_publisher import target
from edge_rig import Answer, Rig, read, running
from edge_wire import Arrived, wire_app

from tests.fixtures.waiting import eventually

MIB = 1 << 20
ALL = 8 * MIB  # so a tenant may have 4 MB, an app 3 MB, a client 2 MB, the console 2 MB
MOST_OF_AN_APP = 3 * MIB
MOST_OF_A_CLIENT = 6
LARGE = 3 * MIB // 2
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    most = {"all": 100, "tenant": 70, "app": 50, "client": MOST_OF_A_CLIENT, "own": 3}
    with narrow({"bodies_most": most}) as made:
        yield made
        assert [line for line in made.edge.complaints if "router.sock" not in line] == []


@contextmanager
def narrow(more_settings: dict[str, Any]) -> Iterator[Rig]:
    environ = {"SLIPWAY_EDGE_BODIES_BYTES": str(ALL), "SLIPWAY_TRUSTED_PROXIES": "127.0.0.1"}
    with running(environ, more_settings) as made, wire_app(OK) as app:
        for app_id, name, tenant in (("1", "one", "a"), ("2", "two", "b"), ("3", "three", "c"), ("5", "five", "a")):
            more = {"app": app_id, "tenant": tenant, "max_body_bytes": 100 * MIB}
            made.route(f"{name}.localhost", target(app.port), **more)
        yield made


@pytest.fixture(autouse=True)
def nothing_is_left(rig: Rig) -> Iterator[None]:
    yield
    eventually(lambda: rig.edge.status["bodies"] == {})


def head(host: str, client: str, fields: str) -> bytes:
    return f"POST /x HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {client}\r\n{fields}\r\n\r\n".encode()


@contextmanager
def upload(rig: Rig, host: str, client: str, size: int = LARGE) -> Iterator[socket.socket]:
    """One that has come but for its last byte, is counted, and does not end."""
    bodies, held = bodies_of(rig, client), bytes_of(rig, client)
    with closing(rig.edge.raw(head(host, client, f"Content-Length: {size}") + b"x" * (size - 1))) as connection:
        eventually(lambda: bodies_of(rig, client) == bodies + 1 and stays(rig, client, held + size))
        yield connection


def bodies_of(rig: Rig, client: str) -> int:
    return int(rig.edge.status["bodies"].get(f"bodies client {client}", 0))


def bytes_of(rig: Rig, client: str) -> int:
    return int(rig.edge.status["bodies"].get(f"bytes client {client}", 0))


def stays(rig: Rig, client: str, size: int) -> bool:
    """Two looks see as much. A body is counted whole for a moment when it begins, to see whether there is room."""
    return all(bytes_of(rig, client) == size for _ in range(2))


def answer(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def asked(rig: Rig, host: str, client: str, size: int = LARGE) -> Answer:
    """An upload that is sent whole, if the edge takes it."""
    with closing(rig.edge.connect()) as connection:
        connection.putrequest("POST", "/x", skip_host=True)
        for name, value in {"Host": host, "X-Forwarded-For": client, "Content-Length": str(size)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.send(b"x" * size)
        return read(connection)


def code(found: Answer) -> tuple[int, str]:
    return found.status, found.json["code"] if found.status >= 400 else "ok"


def test_one_client_has_a_share_of_the_bytes_and_others_theirs(rig: Rig) -> None:
    with upload(rig, "one.localhost", "192.0.2.1"):
        refused = asked(rig, "two.localhost", "192.0.2.1")
        assert code(refused) == (429, "client-bodies-full")
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json["remedy"]
        assert code(asked(rig, "two.localhost", "192.0.2.2")) == (200, "ok")
    eventually(lambda: code(asked(rig, "two.localhost", "192.0.2.1")) == (200, "ok"))


def test_a_client_of_ipv6_is_its_network(rig: Rig) -> None:
    come = head("one.localhost", "2001:db8:0:1::1", f"Content-Length: {LARGE}") + b"x" * (LARGE - 1)
    with closing(rig.edge.raw(come)):
        eventually(lambda: stays(rig, "20010db800000001", LARGE))
        assert code(asked(rig, "one.localhost", "2001:db8:0:1:ffff::2")) == (429, "client-bodies-full")
        assert code(asked(rig, "one.localhost", "2001:db8:0:2::1")) == (200, "ok")


def test_one_app_has_a_share_and_others_theirs(rig: Rig) -> None:
    with upload(rig, "one.localhost", "192.0.2.1"), upload(rig, "one.localhost", "192.0.2.2"):
        refused = asked(rig, "one.localhost", "192.0.2.3")
        assert code(refused) == (503, "app-bodies-full")
        assert int(refused.headers["retry-after"]) > 0
        assert code(asked(rig, "two.localhost", "192.0.2.3")) == (200, "ok")


def test_the_apps_of_one_tenant_have_a_share_together_and_others_theirs(rig: Rig) -> None:
    with upload(rig, "one.localhost", "192.0.2.1"), upload(rig, "five.localhost", "192.0.2.2"):
        refused = asked(rig, "five.localhost", "192.0.2.3")
        assert code(refused) == (503, "tenant-bodies-full")
        assert int(refused.headers["retry-after"]) > 0
        assert code(asked(rig, "two.localhost", "192.0.2.3")) == (200, "ok")


def test_who_only_says_that_much_will_come_keeps_nobody_out(rig: Rig) -> None:
    said = f"Content-Length: {MOST_OF_AN_APP}"
    with ExitStack() as stack:
        for number in range(4):
            client = f"192.0.2.{number}"
            stack.enter_context(closing(rig.edge.raw(head("one.localhost", client, said) + b"x")))
            eventually(lambda client=client: bodies_of(rig, client) == 1)
        assert code(asked(rig, "one.localhost", "192.0.2.9")) == (200, "ok")


def test_all_together_have_a_bound_that_the_console_does_not_share(rig: Rig) -> None:
    with ExitStack() as stack:
        for number, name in enumerate(("one", "one", "two", "two", "three")):
            stack.enter_context(upload(rig, f"{name}.localhost", f"192.0.2.{number}"))
        refused = asked(rig, "three.localhost", "192.0.2.9")
        assert code(refused) == (503, "bodies-full")
        assert int(refused.headers["retry-after"]) > 0
        assert code(asked(rig, "slipway.localhost", "192.0.2.9")) == (502, "service-unavailable"), "none runs here"


def test_the_console_has_a_share_of_its_own(rig: Rig) -> None:
    with upload(rig, "slipway.localhost", "192.0.2.1"):
        refused = asked(rig, "slipway.localhost", "192.0.2.2")
        assert code(refused) == (503, "bodies-full")
        assert code(asked(rig, "one.localhost", "192.0.2.2")) == (200, "ok")


def test_what_does_not_say_its_length_is_counted_as_it_comes(rig: Rig) -> None:
    with (
        upload(rig, "one.localhost", "192.0.2.1"),
        closing(rig.edge.raw(head("two.localhost", "192.0.2.1", "Transfer-Encoding: chunked"))) as connection,
    ):
        connection.sendall(b"20000\r\n" + b"x" * 0x20000 + b"\r\n")
        held = "bytes app 2"
        eventually(lambda: rig.edge.status["bodies"].get(held, 0) >= 0x20000)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        assert code(answer(connection)) == (429, "client-bodies-full")


def test_the_number_of_bodies_is_bounded_however_small_they_are(rig: Rig) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_A_CLIENT):
            stack.enter_context(upload(rig, "one.localhost", "192.0.2.1", size=100))
        with closing(rig.edge.raw(head("one.localhost", "192.0.2.1", "Content-Length: 100") + b"x")) as connection:
            assert code(answer(connection)) == (429, "client-bodies-full")
        whole = head("one.localhost", "192.0.2.1", "Content-Length: 100") + b"x" * 100
        with closing(rig.edge.raw(whole)) as connection:
            assert code(answer(connection)) == (200, "ok"), "what is there at once is not held"


def test_a_body_alone_may_be_larger_than_a_clients_share_but_not_than_an_apps(rig: Rig) -> None:
    assert code(asked(rig, "one.localhost", "192.0.2.1", size=MOST_OF_AN_APP)) == (200, "ok")
    refused = asked(rig, "one.localhost", "192.0.2.1", size=MOST_OF_AN_APP + 1)
    assert code(refused) == (413, "payload-too-large")
    assert "SLIPWAY_EDGE_BODIES_BYTES" in refused.json["remedy"]


@pytest.mark.parametrize(("size", "expected"), [(MOST_OF_AN_APP, (200, "ok")), (ALL // 2, (413, "payload-too-large"))])
def test_nor_does_one_that_does_not_say_its_length(rig: Rig, size: int, expected: tuple[int, str]) -> None:
    whole = b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"
    with closing(rig.edge.raw(head("one.localhost", "192.0.2.1", "Transfer-Encoding: chunked"))) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(whole)
        assert code(answer(connection)) == expected


def test_a_large_body_that_drips_is_let_go_of_soon() -> None:
    said = head("one.localhost", "192.0.2.1", f"Content-Length: {MOST_OF_AN_APP}")
    with narrow({"body_spare_s": 0.5}) as rig, closing(rig.edge.raw(said + b"x")) as connection:
        connection.settimeout(0.05)

        def is_let_go() -> bool:
            with suppress(TimeoutError):
                return connection.recv(4096) in (b"",) or True
            connection.sendall(b"x")
            return False

        eventually(is_let_go)
        folder = rig.edge.settings.state_dir / "edge/tmp/body"
        eventually(lambda: not [path for path in folder.rglob("*") if path.is_file()])


def test_bytes_count_until_the_answer_is_sent_and_a_small_body_is_not_on_disk(rig: Rig) -> None:
    with ExitStack() as stack:
        seen = []

        def slow(_: Arrived, connection: socket.socket) -> None:
            seen.append(dict(rig.edge.status["bodies"]))
            connection.sendall(OK)

        app = stack.enter_context(wire_app(slow))
        rig.route("slow.localhost", target(app.port), app="4", max_body_bytes=100 * MIB)
        for size in (LARGE, 1000):
            with closing(rig.edge.raw(head("slow.localhost", "192.0.2.1", f"Content-Length: {size}") + b"x")) as late:
                eventually(lambda: bodies_of(rig, "192.0.2.1") == 1)
                late.sendall(b"x" * (size - 1))
                assert code(answer(late)) == (200, "ok")
            eventually(lambda: rig.edge.status["bodies"] == {})
    large, small = seen
    assert large["bytes app 4"] == LARGE
    assert "bodies app 4" not in large
    assert small == {}
