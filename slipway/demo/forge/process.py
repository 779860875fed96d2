"""The demo's forge as a process of its own: it outlives `make demo`, since workers fetch from it and the agent asks it
for branch heads."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slipway.demo.forge.forge import admin_token
from slipway.demo.waiting import wait_for
from slipway.errors import DependencyUnavailable

START_TIMEOUT_S = 60.0
_PORTS_TRIED = 100


@dataclass(frozen=True, slots=True)
class ForgeProcess:
    """Starts, finds and stops the forge whose files are below `folder`. Every call may be repeated."""

    folder: Path
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def pid_file(self) -> Path:
        return self.folder / "forge.pid"

    @property
    def log_file(self) -> Path:
        return self.folder / "forge.log"

    @property
    def root(self) -> Path:
        return self.folder / "repositories"

    @property
    def admin_token(self) -> str:
        return admin_token(self.root)

    def running(self) -> int | None:
        """Its process id, None when it doesn't run. A lock decides, so a stale file or a reused id deceives nobody."""
        try:
            with self.pid_file.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def start(self) -> bool:
        """Make sure that it answers; False when it did before.

        Raises:
            DependencyUnavailable: it ended at once, or does not answer; says why.
        """
        if self.running() and self._answers():
            return False
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [
            sys.executable,
            "-m",
            "slipway.demo.forge.forge",
            "--root",
            str(self.root),
            "--pid-file",
            str(self.pid_file),
        ]
        argv += ["--host", self.host, "--port", str(self.port)]
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: process.poll() is not None or bool(self.running() and self._answers()), START_TIMEOUT_S)
        if process.poll() is not None or not self._answers():
            raise DependencyUnavailable(
                f"the demo's forge does not answer at {self.url}: {self._last_words()}",
                remedy="free the port, or choose another: make demo FORGE_PORT=N",
            )
        # it is meant to outlive this process, which is no reason to warn that it still runs
        process.returncode = 0
        return True

    def stop(self, timeout_s: float = 60.0) -> bool:
        """End it; False when it did not run.

        Raises:
            DependencyUnavailable: it is still there after `timeout_s`.
        """
        pid = self.running()
        if not pid:
            return False
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return False
        if not wait_for(lambda: self.running() != pid, timeout_s):
            raise DependencyUnavailable(f"the demo's forge does not end (process {pid})", remedy=f"kill {pid}")
        return True

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            return response.status == 200 and json.loads(response.read()).get("url") == self.url
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()

    def _last_words(self) -> str:
        lines = self.log_file.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def port_for(folder: Path, first: int) -> int:
    """Where the forge of `folder` listens; else `first`, or the next port that nobody has: other installations on this
    host have forges of their own."""
    pid = ForgeProcess(folder, first).running()
    if pid:
        argv = Path("/proc", str(pid), "cmdline").read_text().split("\0")
        return int(argv[argv.index("--port") + 1])
    return next((port for port in range(first, min(first + _PORTS_TRIED, 1 << 16)) if _is_free(port)), first)


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
