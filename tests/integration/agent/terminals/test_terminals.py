"""Terminals as the agent serves them: a WebSocket on its socket of streams, and a program beside a replica's own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import websocket

from builder.agent.api import stream_server
from builder.agent.terminals.relaying import Relay
from slipway.core.terminal import channels
from slipway.core.terminal.channels import Channel, End, Size
from slipway.errors import DependencyUnavailable, InvalidInput, NotFound
from slipway.models import Replica
from slipway.ports.runtime import TerminalSpec
from tests.fakes import FakeContainer
from tests.fakes.terminal import FakeTerminal
from tests.fixtures.waiting import eventually
from tests.integration.agent.output_rig import client_of, serving_streams
from tests.integration.agent.rig import Rig


@pytest.fixture(autouse=True)
def streams(rig: Rig) -> Iterator[None]:
    with serving_streams(rig):
        yield


@contextmanager
def opened(rig: Rig, replica: Replica, **spec: Any) -> Iterator[websocket.WebSocket]:
    """By a client of another's making."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(rig.settings.agent_streams_socket))
    connection.settimeout(10)
    asked = quote(json.dumps({"command": ["cat"]} | spec))
    url = f"ws://agent/replicas/{replica.id}/terminal?spec={asked}"
    found = websocket.create_connection(url, socket=connection, subprotocols=[channels.SUBPROTOCOL])
    try:
        yield found
    finally:
        found.close()


def terminal_of(rig: Rig) -> FakeTerminal:
    return rig.runtime.terminals[-1]


def send(client: websocket.WebSocket, channel: Channel, content: bytes = b"") -> None:
    client.send_binary(channels.written(channel, content))


def received(client: websocket.WebSocket) -> tuple[Channel, bytes]:
    return channels.read(client.recv())


def test_input_output_size_and_end_go_over_it(rig: Rig, replica: Replica) -> None:
    with opened(rig, replica, columns=80, rows=24) as client:
        assert client.getsubprotocol() == channels.SUBPROTOCOL
        send(client, Channel.STDIN, b"one\n")
        assert received(client) == (Channel.STDOUT, b"one\n")
        terminal_of(rig).say(Channel.STDERR, b"an error")
        assert received(client) == (Channel.STDERR, b"an error")
        send(client, Channel.RESIZE, channels.size_written(Size(100, 40)))
        eventually(lambda: terminal_of(rig).sizes == [Size(80, 24), Size(100, 40)], what="it has the new size")
        client.ping(b"still there")
        send(client, Channel.CLOSE_STDIN)
        channel, content = received(client)
        assert (channel, channels.end_of(content)) == (Channel.END, End(0))
    assert terminal_of(rig).spec == TerminalSpec(("cat",), Size(80, 24))
    eventually(lambda: terminal_of(rig).ended, what="nothing of it is left")


def test_a_client_that_leaves_ends_the_program(rig: Rig, replica: Replica) -> None:
    with opened(rig, replica) as client:
        send(client, Channel.STDIN, b"x")
        received(client)
        assert not terminal_of(rig).ended
    eventually(lambda: terminal_of(rig).ended, what="it is ended")


@pytest.mark.parametrize(
    "message", [b"", b"\x09", bytes([Channel.STDOUT]), bytes([Channel.RESIZE]) + b"{}", bytes([Channel.END])]
)
def test_a_client_that_says_what_none_says_is_cut_off(rig: Rig, replica: Replica, message: bytes) -> None:
    with opened(rig, replica) as client:
        client.send_binary(message)
        eventually(lambda: terminal_of(rig).ended, what="it is ended")


def test_one_on_which_nothing_is_said_ends(rig: Rig) -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    terminal = FakeTerminal(TerminalSpec(("cat",)))
    times = iter(range(0, 1000, 20))
    with ours, theirs:
        Relay(ours, terminal, idle_s=60, clock=lambda: float(next(times))).run()
        said = b""
        while data := theirs.recv(4096):
            said += data
    assert terminal.ended
    assert b"nothing was said for 60 s" in said


def test_what_can_not_be_opened_is_refused_with_a_problem(
    rig: Rig, replica: Replica, container: FakeContainer, tmp_path: Path
) -> None:
    client = client_of(rig)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    with pytest.raises(NotFound):
        client.open_terminal("r-none", ["sh"], None, key)
    with pytest.raises(InvalidInput):
        client.open_terminal(replica.id, ["sh"], Size(0, 0), "no key")
    rig.runtime.die(container.observed.container_id)
    with pytest.raises(NotFound):
        client.open_terminal(replica.id, ["sh"], None, key)
    rig.settings.agent_streams_socket.unlink()
    with pytest.raises(DependencyUnavailable):
        client.open_terminal(replica.id, ["sh"], None, key)
    assert rig.runtime.terminals == []


def test_a_program_whose_client_can_not_be_answered_is_ended(
    rig: Rig, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> str:
        raise BrokenPipeError

    monkeypatch.setattr(stream_server, "accept_of", fail)
    with pytest.raises(DependencyUnavailable):
        client_of(rig).open_terminal(replica.id, ["sh"], None, "dGhlIHNhbXBsZSBub25jZQ==")
    eventually(lambda: terminal_of(rig).ended, what="it is ended")


def test_of_many_sizes_the_terminal_gets_few_and_the_newest(rig: Rig) -> None:
    ours, theirs = socket.socketpair()
    terminal = FakeTerminal(TerminalSpec(("cat",)))
    now = [0.0]
    relay = Relay(ours, terminal, idle_s=1e9, clock=lambda: now[0])
    running = threading.Thread(target=relay.run)
    with ours, theirs:
        client = websocket.WebSocket()
        client.sock, client.connected = theirs, True
        running.start()
        for columns in range(1, 1001):
            send(client, Channel.RESIZE, channels.size_written(Size(columns, 24)))
        send(client, Channel.STDIN, b"all are taken")
        assert received(client) == (Channel.STDOUT, b"all are taken")
        assert len(terminal.sizes) <= 1
        now[0] = 1.0
        eventually(lambda: terminal.sizes and terminal.sizes[-1] == Size(1000, 24), what="it has the newest")
        assert len(terminal.sizes) <= 2
        send(client, Channel.CLOSE_STDIN)
        running.join()
