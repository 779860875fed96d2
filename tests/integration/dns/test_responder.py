"""The responder as the platform runs it: a process of its own, over real UDP and TCP, with a real Redis."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import dns.message
import dns.query
import pytest
from redis import Redis

from slipway.adapters.dns.responder import CONNECTIONS_OF_A_NETWORK, QUESTIONS_OF_A_CONNECTION, RESPONSES_A_SECOND
from slipway.adapters.redis import keys
from slipway.adapters.redis.challenges import DnsChallenges
from slipway.settings import Settings, load
from tests.fixtures.ports import free_port
from tests.fixtures.responder import ARGV, running_responder
from tests.fixtures.services.redis_server import RedisServer
from tests.fixtures.waiting import eventually

ZONE, LABEL, VALUE = "acme.platform.example", "ab" * 16, "x" * 43
NAME = f"{LABEL}.{ZONE}"


@dataclass
class Running:
    settings: Settings
    port: int
    challenges: DnsChallenges
    redis: RedisServer

    def udp(self, name: str = NAME, kind: str = "TXT") -> dns.message.Message:
        return dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", port=self.port, timeout=5)

    def over_tcp(self, name: str = NAME) -> list[str]:
        query = dns.message.make_query(name, "TXT")
        response = dns.query.tcp(query, "127.0.0.1", port=self.port, timeout=10)
        return [str(each).strip('"') for rrset in response.answer for each in rrset]

    def redis_client(self) -> Redis:
        return Redis.from_url(self.redis.url)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("responder")
    server = RedisServer(folder)
    port = free_port()
    environ = {
        "SLIPWAY_STATE_DIR": str(folder),
        "SLIPWAY_REDIS_URL": server.url,
        "SLIPWAY_ACME_DNS_ZONE": ZONE,
        "SLIPWAY_ACME_DNS_LISTEN": f"127.0.0.1:{port}",
        "SLIPWAY_PUBLIC_ADDRESSES": "198.51.100.7",
    }
    server.start()
    try:
        with running_responder(environ):
            yield Running(load(environ), port, DnsChallenges(Redis.from_url(server.url)), server)
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _record(running: Running) -> Iterator[None]:
    running.challenges.add(LABEL, VALUE)
    eventually(lambda: running.over_tcp() == [VALUE], what="the record")
    yield
    running.redis.flush()
    eventually(lambda: not running.over_tcp(), what="no record")


def test_a_record_is_answered_as_soon_as_it_is_set_and_no_longer(running: Running) -> None:
    running.challenges.add(LABEL, "y" * 43)
    eventually(lambda: running.over_tcp() == [VALUE, "y" * 43])
    running.challenges.remove(LABEL, VALUE)
    eventually(lambda: running.over_tcp() == ["y" * 43])


def test_a_record_that_its_owner_left_behind_ends(running: Running) -> None:
    running.redis_client().hset(keys.ACME_DNS, f"{LABEL} {VALUE}", str(int(time.time()) - 1))
    eventually(lambda: not running.over_tcp())
    running.challenges.add("other", VALUE)
    assert running.redis_client().hkeys(keys.ACME_DNS) == [f"other {VALUE}".encode()], "it is swept away too"


def test_the_records_stay_while_redis_is_unreachable(running: Running) -> None:
    running.redis.stop()
    try:
        for _ in range(3):
            assert running.over_tcp() == [VALUE]
    finally:
        running.redis.start()
    running.challenges.add(LABEL, VALUE)
    eventually(lambda: running.over_tcp() == [VALUE])


def test_garbage_leaves_it_answering(running: Running) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for garbage in (b"", b"\0", b"\xff" * 1500, os.urandom(300), b"\0" * 12, b"\xc0\x0c" * 100):
            sender.sendto(garbage, ("127.0.0.1", running.port))
    for garbage in (b"\0", b"\0\0", b"\xff\xff" + b"x" * 100, b"\0\x05hello"):
        with running.connect() as connection:
            connection.sendall(garbage)
    assert running.over_tcp() == [VALUE]


def test_a_flood_by_udp_gets_nothing_that_is_larger_than_its_questions(running: Running) -> None:
    query = dns.message.make_query(NAME, "TXT").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(5)
        sender.connect(("127.0.0.1", running.port))
        answers = []
        for _ in range(4 * RESPONSES_A_SECOND):
            sender.send(query)
            answers.append(sender.recv(2000))
            if answers[-1][2] & 2:
                break
        else:
            pytest.skip("this host is too slow for a flood")
    assert len(answers[-1]) <= len(query)
    assert running.over_tcp() == [VALUE], "who is real asks by TCP"


def test_idle_connections_are_few_and_end_and_keep_nobody_out_of_udp(running: Running) -> None:
    idle = [running.connect() for _ in range(CONNECTIONS_OF_A_NETWORK + 2)]
    try:
        assert b"" in [_received(each) for each in idle[-2:]], "one network has so many and no more"
        assert running.udp().id
        assert _received(idle[0]) == b"", "an idle one is closed"
        eventually(lambda: running.over_tcp() == [VALUE])
    finally:
        for each in idle:
            each.close()


def test_a_connection_may_ask_so_often_and_no_more(running: Running) -> None:
    query = dns.message.make_query(NAME, "TXT").to_wire()
    with running.connect() as connection:
        connection.sendall((len(query).to_bytes(2, "big") + query) * (QUESTIONS_OF_A_CONNECTION + 1))
        received = b"".join(iter(lambda: _received(connection), b""))
    size = int.from_bytes(received[:2], "big") + 2
    assert len(received) == size * QUESTIONS_OF_A_CONNECTION


def test_its_port_being_taken_is_said(running: Running) -> None:
    environ = os.environ | {
        "SLIPWAY_STATE_DIR": str(running.settings.state_dir),
        "SLIPWAY_ACME_DNS_ZONE": ZONE,
        "SLIPWAY_ACME_DNS_LISTEN": running.settings.acme_dns_listen,
    }
    ended = subprocess.run(ARGV, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"can't listen on {running.settings.acme_dns_listen}" in ended.stderr


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""
