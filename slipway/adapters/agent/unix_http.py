"""HTTP over a unix socket, with the standard library alone: one short call needs no client of 4 MB."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over the unix socket `path`."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.settimeout(self.timeout)
            opened.connect(str(self._path))
        except OSError:
            opened.close()
            raise
        self.sock = opened
