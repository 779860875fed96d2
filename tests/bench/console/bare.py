"""A bare Flask page, on the same gunicorn as the router: what a page costs that shows nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from router.gunicorn import keepalive, threads, worker_class
from tests.bench.sign_on.latency import over_unix
from tests.fixtures.services.forked import ForkedModule
from tests.fixtures.waiting import eventually

app = Flask(__name__)
_PAGE = "<!doctype html><html lang=en><title>Bare</title><h1>Bare</h1><p>Nothing is read for this page.</p></html>"


@app.get("/")
def show() -> str:
    return _PAGE


@contextmanager
def running_bare_page(folder: Path) -> Iterator[tuple[Path, int]]:
    """Its socket, and the process."""
    path = folder / "bare.sock"
    options = ("--worker-class", worker_class, "--threads", str(threads), "--keep-alive", str(keepalive))
    where = ("--bind", f"unix:{path}", "--no-control-socket", f"{__name__}:app")
    server = ForkedModule("gunicorn", os.environ, folder / "bare.log", *options, *where)
    try:
        eventually(lambda: _answers(path), what="the bare page answers")
        yield path, server.pid
    finally:
        server.terminate()
        server.wait(60)


def _answers(path: Path) -> bool:
    try:
        with over_unix(path)():
            return True
    except OSError:
        return False
