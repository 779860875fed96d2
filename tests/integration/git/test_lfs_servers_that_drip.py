"""A Git LFS server that sends a little again and again holds nobody: not when the work has to stop, nor for longer than
all of it may take."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from slipway.adapters.git import lfs_contents
from slipway.adapters.git.git_sources import GitSources
from slipway.adapters.linux import processes
from slipway.errors import DeploymentFailed
from slipway.ports.building import Interrupted, Stopped
from tests.integration.git.conftest import Origin, sources

OID = "1" * 64
PAUSE_S = 0.02
"""Between two bytes of a header: the longest that is taken would last for half an hour."""


class Dripping:
    """Answers the batch, where `batch_first`, and then drips a header until the other side has gone."""

    def __init__(self, listener: socket.socket, *, batch_first: bool) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.drips = threading.Event()
        self._listener = listener
        self._batch_first = batch_first
        self._ends = threading.Event()

    def serve(self) -> None:
        with suppress(OSError):
            if self._batch_first:
                self._answer_batch()
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                self.drips.set()
                while not self._ends.wait(PAUSE_S):
                    connection.sendall(b"x")

    def end(self) -> None:
        self._ends.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def _answer_batch(self) -> None:
        answer = {"objects": [{"oid": OID, "actions": {"download": {"href": f"{self.url}/{OID}"}}}]}
        body = json.dumps(answer).encode()
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@contextmanager
def dripping(*, batch_first: bool) -> Iterator[Dripping]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Dripping(listener, batch_first=batch_first)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            server.end()
            thread.join()


def fetch(origin: Origin, server: Dripping, folder: Path, stopped: Stopped) -> None:
    files = {
        "__gitattributes": "*.bin filter=lfs\n",
        "__lfsconfig": f"[lfs]\n\turl = {server.url}/lfs\n",
        "logo__bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 1\n",
    }
    taken: GitSources = sources(folder.parent, origin.forge.base_url, server.url)
    taken.fetch(origin.repository, origin.push("With a picture", **files), folder, stopped=stopped)


IN_BATCH_AND_CONTENT = pytest.mark.parametrize("batch_first", [False, True], ids=["batch", "content"])


@IN_BATCH_AND_CONTENT
def test_work_that_has_to_stop_does(origin: Origin, folder: Path, batch_first: bool) -> None:
    with dripping(batch_first=batch_first) as server, pytest.raises(Interrupted):
        fetch(origin, server, folder, server.drips.is_set)


@IN_BATCH_AND_CONTENT
def test_all_of_it_has_to_be_here_in_time(
    origin: Origin, folder: Path, monkeypatch: pytest.MonkeyPatch, batch_first: bool
) -> None:
    monkeypatch.setattr(lfs_contents, "ALL_TIMEOUT_S", 1.0)
    with dripping(batch_first=batch_first) as server, pytest.raises(DeploymentFailed, match="not here within 1 s"):
        fetch(origin, server, folder, processes.never)
