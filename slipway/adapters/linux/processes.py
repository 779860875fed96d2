"""Child processes that leave nothing behind: they die with the thread that started them, whatever kills it.

Each runs in a session of its own, and the kernel kills it when its parent dies; and, where this user may, as
the first of a PID namespace, so that its own children die with it. No shell; output is read line by line.
"""

from __future__ import annotations

import functools
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.core.text.control_sequences import decoded, without_controls
from slipway.ports.building import Interrupted, Stopped

POLL_S = 0.1
KILL_TIMEOUT_S = 10.0
LONGEST_LINE = 16 << 10
CUT_MARK = f" … [cut at {LONGEST_LINE >> 10} KiB]"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
_NAMESPACE = ("unshare", "--fork", "--pid", "--kill-child", "--")


class TimedOut(Exception):
    """It took longer than it may; its processes are gone."""


class StillThere(RuntimeError):
    """Processes survived SIGKILL (stuck in the kernel)."""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    output: str
    """Both streams; the last `LONGEST_LINE` × 4 characters."""


def never() -> bool:
    return False


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    cwd: Path | None = None,
    stopped: Stopped = never,
    output: Callable[[str], None] | None = None,
    file_size_bytes: int | None = None,
    has_children: bool = True,
) -> Ended:
    """Run to the end, giving each line to `output`. One that starts no processes itself is spared the PID namespace,
    which costs about 10 ms.

    Raises:
        Interrupted: `stopped` said so; everything it started is gone.
        TimedOut: likewise.
        OSError: the program can't be started.
    """
    wrappers = [*_DIE_WITH_PARENT, *(_namespace() if has_children else ())]
    if file_size_bytes:
        wrappers += ["prlimit", f"--fsize={file_size_bytes}", "--"]
    process = _start([*wrappers, *argv], env, cwd)
    deadline = time.monotonic() + timeout_s
    kept: list[str] = []
    try:
        for line in _lines(process, stopped, deadline):
            kept.append(line)
            if output:
                output(line)
                del kept[:-200]
        code = process.wait()
    finally:
        end(process)
    return Ended(code, "\n".join(kept)[-4 * LONGEST_LINE :])


def _start(argv: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": PATH, "LANG": "C.UTF-8", **env},
        cwd=cwd,
        start_new_session=True,
    )


@functools.cache
def _namespace() -> tuple[str, ...]:
    """The wrapper that takes grandchildren along, where it is allowed (it takes root)."""
    tried = subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False, timeout=10)
    return _NAMESPACE if tried.returncode == 0 else ()


def _lines(process: subprocess.Popen[bytes], stopped: Stopped, deadline: float) -> Iterator[str]:
    """Lines as they come, until every writer is gone."""
    assert process.stdout is not None  # noqa: S101
    descriptor = process.stdout.fileno()
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = selector.select(POLL_S)
            if stopped():
                raise Interrupted
            if time.monotonic() > deadline:
                raise TimedOut
            if not ready:
                continue
            chunk = os.read(descriptor, 65536)
            if not chunk:
                break
            *whole, pending = (pending + chunk).split(b"\n")
            pending = _shortened(pending)
            yield from map(_text, whole)
    if pending:
        yield _text(pending)


def _shortened(pending: bytes) -> bytes:
    """The begun line, of which no more is kept than is shown, so that no program can fill the memory."""
    if len(pending) <= LONGEST_LINE:
        return pending
    return pending.rstrip(b"\r").rpartition(b"\r")[2][: LONGEST_LINE + 1]


def _text(line: bytes) -> str:
    """The line as a terminal would leave it: after the last carriage return, without control sequences. A line that is
    too long is cut, and says so."""
    seen = line.rstrip(b"\r").rpartition(b"\r")[2]
    mark = CUT_MARK if len(seen) > LONGEST_LINE else ""
    return without_controls(decoded(seen[:LONGEST_LINE])) + mark


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of it and its session, and see that it is gone.

    Raises:
        StillThere: something survives SIGKILL.
    """
    _kill_group(process.pid)
    try:
        process.wait(KILL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise StillThere(f"process {process.pid} survives SIGKILL") from None
    finally:
        if process.stdout:
            process.stdout.close()
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while members := session_members(process.pid):
        if time.monotonic() > deadline:
            raise StillThere(f"processes {members} survive SIGKILL")
        _kill_group(process.pid)
        time.sleep(0.01)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def session_members(session: int) -> list[int]:
    """Living processes of a session; zombies don't count."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        pass
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _is_alive_in(pid, session)]


def _is_alive_in(pid: int, session: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[3]) == session and fields[0] not in "ZX"
