"""What stands around the containers in these tests: listeners on the host, and a network namespace that plays both the
cloud's metadata service and a server outside."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.fixtures.waiting import eventually

METADATA = "169.254.169.254"
OUTSIDE_PORT = 8099

_SERVE = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])), backlog=50)
print("listens", flush=True)
while True:
    connection, _ = server.accept()
    connection.close()
"""

# Asks each `address port` and prints which accepted, as JSON.
ASK = """
import json, socket, sys, threading
found = {}
def ask(where):
    try:
        socket.create_connection((where.split()[0], int(where.split()[1])), timeout=2).close()
        found[where] = True
    except OSError:
        found[where] = False
threads = [threading.Thread(target=ask, args=(where,)) for where in sys.argv[1:]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("ANSWERS " + json.dumps(found))
"""


def answers(output: str) -> dict[str, bool]:
    """What a run of ASK found, from its output."""
    (line,) = [line for line in output.splitlines() if "ANSWERS {" in line]
    found: dict[str, bool] = json.loads(line.split("ANSWERS ", 1)[1])
    return found


@contextmanager
def listener(address: str, port: int = 0) -> Iterator[int]:
    """Accepts connections on the host; yields the port."""
    server = socket.create_server((address, port), backlog=50)

    def accept() -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@dataclass(frozen=True)
class OutsideWorld:
    """A namespace behind an interface of its own: reached by routing, as everything beyond this host is."""

    name: str
    address: str

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv], capture_output=True, text=True, timeout=30, check=False
        )


@contextmanager
def outside_world() -> Iterator[OutsideWorld]:
    name = f"slw{secrets.token_hex(3)}"
    near, far = f"{name}a", f"{name}b"
    net = f"198.18.{secrets.randbelow(256)}"
    inside = ["ip", "-n", name]
    with ExitStack() as stack:
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "del", name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        stack.callback(subprocess.run, ["ip", "link", "del", near], check=False)
        _ip("addr", "add", f"{net}.1/30", "dev", near)
        _ip("link", "set", near, "up")
        for argv in (
            ["link", "set", "lo", "up"],
            ["addr", "add", f"{METADATA}/32", "dev", "lo"],
            ["addr", "add", f"{net}.2/30", "dev", far],
            ["link", "set", far, "up"],
            ["route", "add", "default", "via", f"{net}.1"],
        ):
            _run([*inside, *argv])
        _ip("route", "add", f"{METADATA}/32", "via", f"{net}.2")
        stack.enter_context(_serving(name))
        yield OutsideWorld(name, f"{net}.2")


@contextmanager
def _serving(namespace: str) -> Iterator[None]:
    argv = ["ip", "netns", "exec", namespace, sys.executable, "-c", _SERVE, str(OUTSIDE_PORT)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        eventually(server.stdout.readline, what="the server outside listens")
        try:
            yield
        finally:
            server.kill()


def host_address() -> str:
    """The host's own address on the way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.254", 9))
        address: str = probe.getsockname()[0]
        return address


def _ip(*argv: str) -> None:
    _run(["ip", *argv])


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
