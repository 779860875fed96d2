"""A forge, a working copy, and sources fetched from it into memory."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.demo.forge.forge import Forge
from slipway.ports.building import Repository
from tests.forge import WorkingCopy

TOKEN = "tok-3f9a1c77e2b84d55"


@dataclass
class Origin:
    """A private repository at a forge, with a working copy of it."""

    forge: Forge
    copy: WorkingCopy
    name: str = "acme/shop"

    @property
    def repository(self) -> Repository:
        return Repository(self.forge.clone_url(self.name), TOKEN)

    def push(self, message: str = "Change", ref: str = "main", **files: str | None) -> str:
        commit = self.copy.commit(message, **files)
        self.copy.git("push", "--quiet", "--force", self.forge.push_url(self.name), f"HEAD:{ref}")
        return commit


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    with Forge(tmp_path / "forge") as forge:
        forge.create_repository("acme/shop", private=True, token=TOKEN)
        yield Origin(forge, WorkingCopy(tmp_path / "copy"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    return made


def sources(state_dir: Path, *urls: str, source_max_bytes: int = 64 << 20) -> GitSources:
    """Allowed to clone from these addresses' hosts only."""
    hosts = tuple(urlsplit(url).netloc.rpartition("@")[2] for url in urls)
    return GitSources(Limits(hosts, source_max_bytes), state_dir, {})


@dataclass
class Listener:
    """A server that takes connections, remembers what it was sent, and answers with `answer`, or never."""

    url: str
    answer: bytes | None = None
    received: list[bytes] = field(default_factory=list)
    connected: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening(answer: bytes | None = None) -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(f"http://127.0.0.1:{server.getsockname()[1]}", answer)
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                listener.received.append(connection.recv(65536))
                listener.connected.set()
                if listener.answer is not None:
                    connection.sendall(listener.answer)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()
