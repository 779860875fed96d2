"""Open WebSockets through rollouts: each goes on echoing on the replica it began on until its grace is over."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import time
from dataclasses import dataclass

from edge_backend import Server
from edge_clients import Load
from edge_publisher import HOST, target

from tests.fixtures.waiting import eventually

SOCKETS = 200
ROLLOUTS = 20
SOCKETS_GRACE_S = 1.0
HANDSHAKE = (
    "GET /socket HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
)


class Client:
    """One that keeps a WebSocket open, and opens the next one when its replica closes it."""

    def __init__(self, edge, number):
        self.edge = edge
        self.number = number
        self.sent = 0
        self.connection: socket.socket | None = None
        self.open()

    def open(self):
        self.connection = self.edge.raw((HANDSHAKE % base64.b64encode(os.urandom(16)).decode()).encode())
        answer = self.connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101"), answer

    def say(self):
        self.sent += 1
        self.connection.sendall(b"%d %d;" % (self.number, self.sent))

    def gets_echo(self):
        """True: an echo; False: closed."""
        expected = b"%d %d;" % (self.number, self.sent)
        answer = b""
        while len(answer) < len(expected):
            try:
                part = self.connection.recv(len(expected) - len(answer))
            except ConnectionResetError:  # the connection was closed before the close frame came
                part = b""
            if not part:
                return False
            answer += part
        assert answer == expected
        return True

    def close(self):
        self.connection.close()


@dataclass
class Retiring:
    """As the agent drains: no sooner gone than its requests are done, and its sockets' grace over."""

    app: Server
    confirmed_at: float


class Agent:
    def __init__(self, rig, backend):
        self.rig = rig
        self.backend = backend
        self.retiring: list[Retiring] = []
        self.current = backend("v0")
        rig.route(HOST, target(self.current.port, "v0"))

    def roll_out(self, name):
        old, self.current = self.current, self.backend(name)
        self.rig.route(HOST, target(self.current.port, name))
        self.retiring.append(Retiring(old, self.rig.publisher.confirmed_at()))

    def reconcile(self):
        """Stop those that may be stopped."""
        for each in [each for each in self.retiring if self.may_stop(each)]:
            each.app.stop()
            self.retiring.remove(each)

    def may_stop(self, each):
        if self.rig.publisher.counted_at() <= each.confirmed_at:
            return False
        requests = self.rig.publisher.inflight().get(each.app.name, 0)
        streams = self.rig.publisher.streams().get(each.app.name, 0)
        return requests == 0 or (requests == streams and time.time() - each.confirmed_at >= SOCKETS_GRACE_S)


def test_sockets_echo_through_rollouts_and_no_request_fails(rig, backend):
    agent = Agent(rig, backend)
    with contextlib.ExitStack() as opened:
        clients = []
        for number in range(SOCKETS):
            clients.append(Client(rig.edge, number))
            opened.callback(clients[-1].close)
        born = dict.fromkeys(clients, "v0")
        eventually(lambda: rig.publisher.streams() == {"v0": SOCKETS})

        with Load(rig.edge, clients=2) as load:
            for number in range(1, ROLLOUTS + 1):
                agent.roll_out(f"v{number}")
                load.more(20)
                alive = {f"v{number}", *(each.app.name for each in agent.retiring)}
                for client in clients:
                    client.say()
                for client in clients:
                    if not client.gets_echo():
                        assert born[client] not in alive, f"cut while {born[client]} had its grace"
                        client.close()
                        client.open()
                        born[client] = f"v{number}"
                agent.reconcile()
            load.more(20)

        assert load.trouble == []
        assert sum(client.sent for client in clients) == SOCKETS * ROLLOUTS
        assert set(born.values()) - {"v0"}, "the first replica's grace ended within the run"
