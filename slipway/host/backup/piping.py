"""Programs whose output goes into a backup, or that read what comes out of one, without being held in memory."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from slipway.errors import HostUnready

_BLOCK_BYTES = 1 << 20
_SHOWN_BYTES = 2000


def output_of(
    argv: Sequence[str], env: Mapping[str, str] | None = None, *, accepted: Sequence[int] = (0,)
) -> Iterator[bytes]:
    """What the program prints, in pieces. `accepted`: the exit codes that are no failure.

    Raises:
        HostUnready: it is missing or failed; at the end of what it printed.
    """
    with tempfile.TemporaryFile() as said, _started(argv, env, said, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None  # noqa: S101
        while block := program.stdout.read(_BLOCK_BYTES):
            yield block
        _check(argv, program.wait(), said, accepted)


@contextmanager
def input_of(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Iterator[IO[bytes]]:
    """The program's input. Leaving the block waits for its end.

    Raises:
        HostUnready: it is missing or failed.
    """
    with tempfile.TemporaryFile() as said, _started(argv, env, said, stdin=subprocess.PIPE) as program:
        assert program.stdin is not None  # noqa: S101
        try:
            yield program.stdin
            program.stdin.close()
        except BrokenPipeError:
            pass  # it has ended: its exit code says why
        _check(argv, program.wait(), said)


@contextmanager
def _started(
    argv: Sequence[str],
    env: Mapping[str, str] | None,
    said: IO[bytes],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """It is killed when the block is left before its end."""
    try:
        program = subprocess.Popen(list(argv), env=env, stdin=stdin, stdout=stdout, stderr=said)
    except FileNotFoundError:
        raise HostUnready(f"{argv[0]}: not found", remedy="make install") from None
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        for pipe in (program.stdin, program.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # what was not read any more


def _check(argv: Sequence[str], code: int, said: IO[bytes], accepted: Sequence[int] = (0,)) -> None:
    if code in accepted:
        return
    said.seek(0)
    tail = said.read()[-_SHOWN_BYTES:].decode(errors="replace").strip()
    raise HostUnready(f"`{' '.join(argv[:2])}` failed ({code})\n{tail}".rstrip())
