"""Programs of the demo that run on when `make demo` has ended: started, found again, and stopped."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.demo.waiting import wait_for
from slipway.errors import DependencyUnavailable

START_TIMEOUT_S = 60.0
_PORTS_TRIED = 100


@dataclass(frozen=True, slots=True)
class Background:
    """A program with its pid file and its log in `folder`. Every call may be repeated.

    The program inherits the pid file with a lock on it, which the kernel takes away when the program ends: a stale
    file or a reused process id deceives nobody.
    """

    name: str
    what: str
    """For messages, such as "the demo's forge"."""
    folder: Path

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.name}.log"

    def running(self) -> int | None:
        """Its process id, None when it doesn't run."""
        try:
            with self.pid_file.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def start(
        self,
        argv: Sequence[str],
        answers: Callable[[], bool],
        *,
        where: str,
        remedy: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run the program, which does not run yet, until it answers.

        Raises:
            DependencyUnavailable: it ended at once, or does not answer; says why.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        process = self._spawn(argv, environment)
        wait_for(lambda: process.poll() is not None or answers(), START_TIMEOUT_S)
        if process.poll() is not None or not answers():
            raise DependencyUnavailable(
                f"{self.what} does not answer at {where}: {self._last_words()}", remedy=remedy or f"see {self.log_file}"
            )
        # it is meant to outlive this process, which is no reason to warn that it still runs
        process.returncode = 0

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
            raise DependencyUnavailable(f"{self.what} does not end (process {pid})", remedy=f"kill {pid}")
        return True

    def argument(self, name: str) -> str | None:
        """What follows an argument on the running program's command line; None when it does not run."""
        pid = self.running()
        if not pid:
            return None
        # for a moment a new program has none yet
        wait_for(lambda: bool(_command_line(pid)) or self.running() != pid, START_TIMEOUT_S)
        argv = _command_line(pid).split("\0")
        return argv[argv.index(name) + 1] if name in argv else None

    def _spawn(self, argv: Sequence[str], environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
        with self.pid_file.open("a+") as file, self.log_file.open("ab") as log:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DependencyUnavailable(
                    f"{self.what} is being started by somebody else", remedy="try again in a moment"
                ) from None
            process = subprocess.Popen(
                list(argv),
                env=None if environment is None else {**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[file.fileno()],
            )
            file.truncate(0)
            file.write(f"{process.pid}\n")
        return process

    def _last_words(self) -> str:
        lines = self.log_file.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _command_line(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "cmdline").read_text()
    except OSError:  # it has ended
        return ""


def next_free_port(first: int) -> int:
    """`first`, or the next port that nobody has: other installations on this host have demos of their own."""
    return next((port for port in range(first, min(first + _PORTS_TRIED, 1 << 16)) if _is_free(port)), first)


def any_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
