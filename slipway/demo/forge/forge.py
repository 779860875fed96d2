"""A small git forge that speaks GitHub's protocols: smart HTTP, signed `push` deliveries, commit statuses.

In a test:

    with Forge(tmp_path) as forge:
        forge.create_repository("acme/hello")
        forge.add_hook("acme/hello", url, secret)
        …git push to forge.clone_url("acme/hello")…
        forge.settle()[-1].status == 202

As a process: `python -m slipway.demo.forge.forge --root DIR --port N` (its REST API is then open to the token in
`DIR/admin-token`).
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from slipway import logs
from slipway.demo.forge.deliveries import Delivery, deliver, sign
from slipway.demo.forge.payloads import NULL_SHA, Person
from slipway.demo.forge.registry import Hook, Repository
from slipway.demo.forge.repository_host import RepositoryHost
from slipway.demo.forge.server import ForgeServer

__all__ = ["NULL_SHA", "Delivery", "Forge", "Hook", "Person", "Repository", "deliver", "sign"]

_log = logging.getLogger(__name__)


class Forge(RepositoryHost):
    """A host of repositories over HTTP: it listens once made (`base_url` is then known) and answers between
    `start` and `stop`."""

    def __init__(self, root: Path, listen: tuple[str, int] = ("127.0.0.1", 0), admin_token: str = "") -> None:
        self._server = ForgeServer(listen, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="forge", daemon=True)
        host, port = self._server.server_address[:2]
        super().__init__(root, f"http://{host!s}:{port}", admin_token)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def admin_token(root: Path) -> str:
    """The token of the forge at `root`, made at first use (mode 0600)."""
    root.mkdir(parents=True, exist_ok=True)
    file = root / "admin-token"
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return file.read_text().strip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m slipway.demo.forge.forge", description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the repositories")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(argv)
    logs.configure("forge", {"": "INFO"})
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Forge(options.root, (options.host, options.port), admin_token(options.root)) as forge:
        _log.info("the forge listens", extra={"url": forge.base_url})
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
