"""Git's smart HTTP protocol through `git http-backend`: one CGI process a request, bodies streamed both ways."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from slipway.demo.forge.bare import git_environment

_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class GitRequest:
    """What CGI wants to know of a request. `path` is `/owner/name.git/<service>` below `root`."""

    root: Path
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Iterator[bytes]
    user: str = ""
    address: str = "127.0.0.1"


def body_pieces(stream: BinaryIO | io.BufferedIOBase, headers: Mapping[str, str]) -> Iterator[bytes]:
    """A request's body in pieces, by Content-Length or chunked.

    Raises:
        ValueError: a chunk's size is not a hexadecimal number, or the client hung up in the middle.
    """
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        while size := int(stream.readline(1024).partition(b";")[0], 16):
            yield from _exactly(stream, size)
            stream.readline(1024)
        while stream.readline(8192).strip():
            pass
    else:
        yield from _exactly(stream, int(headers.get("Content-Length") or 0))


def _exactly(stream: BinaryIO | io.BufferedIOBase, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = stream.read(min(size, _PIECE_BYTES))
        if not piece:
            raise ValueError("the client hung up in the middle of the body")
        size -= len(piece)
        yield piece


def run_backend(request: GitRequest, respond: Callable[[int, list[tuple[str, str]], Iterator[bytes]], None]) -> None:
    """Run `git http-backend` and hand its answer to `respond(status, headers, pieces)` while it is being made.

    Returns once the process has ended, so every ref it was going to change has changed.
    """
    with subprocess.Popen(
        ["git", "http-backend"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(request),
        start_new_session=True,
    ) as process:
        feeder = threading.Thread(target=_feed, args=(request.body, process), daemon=True)
        feeder.start()
        output = cast("io.BufferedReader", process.stdout)
        try:
            status, headers = _cgi_headers(output)
            respond(status, headers, iter(lambda: output.read1(_PIECE_BYTES), b""))
        finally:
            # What the client no longer reads must still run to its end, or a half-done push is left behind.
            while output.read1(_PIECE_BYTES):
                pass
            feeder.join(timeout=5)


def _feed(body: Iterator[bytes], process: subprocess.Popen[bytes]) -> None:
    sink = cast("BinaryIO", process.stdin)
    try:
        for piece in body:
            if not _written(piece, sink):
                break
    except (OSError, ValueError):
        # The client hung up. http-backend would look for the rest of the body for ever (git 2.39, measured).
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        with suppress(OSError):
            sink.close()


def _written(piece: bytes, sink: BinaryIO) -> bool:
    """False when the process has ended before it read all: its answer is made without the rest."""
    try:
        sink.write(piece)
        sink.flush()
    except OSError:
        return False
    return True


def _cgi_headers(output: io.BufferedIOBase) -> tuple[int, list[tuple[str, str]]]:
    status, headers = 200, []
    while line := output.readline(8192).strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value.strip()))
    return (status, headers) if headers else (500, [("Content-Type", "text/plain")])


def _environment(request: GitRequest) -> dict[str, str]:
    cgi = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "GIT_PROJECT_ROOT": str(request.root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": request.path,
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_ADDR": request.address,
        "REMOTE_USER": request.user,
    }
    optional = {
        # absent for a chunked body, which http-backend then reads to its end
        "CONTENT_LENGTH": request.headers.get("Content-Length"),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding"),
        "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol"),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol"),
    }
    return git_environment() | cgi | {key: value for key, value in optional.items() if value}
