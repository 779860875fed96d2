"""The log of a deployment: a file that is kept, and a Redis stream that is live.

Every line has a position, `<milliseconds>-<n>`, the same in both; it only grows. The file is the truth: a reader takes
what it holds, then waits on the stream, or, with Redis unreachable, reads the file again. A finished log is compressed,
and compressed again with what is added later. The compressed file is written aside, so a kill or a full disk leaves the
one before whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import logging
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from slipway.adapters.redis import keys

log = logging.getLogger(__name__)

STREAM_LINES = 5000
STREAM_KEPT_S = 600
WAIT_S = 4.0
"""How long a reader waits for a line before it gives a sign of life."""
REDIS_PAUSE_S = 5.0
"""How long a writer leaves Redis alone after it did not answer."""
POLL_S = 0.5
_AS_TEXT: Any = {"encoding": "utf-8", "errors": "replace", "newline": "\n"}
"""A carriage return, as of a progress bar, ends no line."""
_LINE, _BEFORE, _END = b"l", b"b", b"e"
"""An entry's fields: a line with the position of the line before it, or the end."""

Position = tuple[int, int]


def _position(text: str) -> Position:
    milliseconds, _, number = text.partition("-")
    return (int(milliseconds), int(number or 0)) if milliseconds.isdecimal() else (0, 0)


def _text(position: Position) -> str:
    return f"{position[0]}-{position[1]}"


@dataclass(slots=True)
class _Writer:
    file: int
    last: Position = (0, 0)


@dataclass(slots=True)
class RedisDeploymentLog:
    """`DeploymentLog` below `log_dir`, live through `redis`."""

    redis: Redis
    log_dir: Path
    _writers: dict[int, _Writer] = field(default_factory=dict)
    _silent_until: float = 0.0

    def append(self, deployment_id: int, line: str) -> None:
        """Add one line. Never fails for Redis' sake."""
        writer = self._writer(deployment_id)
        # Another process may write too (worker, then agent): positions are given out under the file's lock.
        fcntl.flock(writer.file, fcntl.LOCK_EX)
        try:
            before = max(writer.last, _last_position(writer.file))
            writer.last = _after(before)
            os.write(writer.file, f"{_text(writer.last)} {line}\n".encode("utf-8", "replace"))
        finally:
            fcntl.flock(writer.file, fcntl.LOCK_UN)
        self._publish(deployment_id, _text(writer.last), {_LINE: line, _BEFORE: _text(before)})

    def finish(self, deployment_id: int) -> None:
        """Compress what there is, end the live stream. Twice is once.

        Raises:
            OSError: it could not be written, as on a full disk; everything is as before.
        """
        writer = self._writers.pop(deployment_id, None)
        if writer:
            os.close(writer.file)
        spool = self._spool(deployment_id)
        with contextlib.suppress(FileNotFoundError), spool.open("rb") as source:
            fcntl.flock(source, fcntl.LOCK_EX)
            self._compress(deployment_id)
            spool.unlink()
        self._publish(deployment_id, "*", {_END: "1"})
        with contextlib.suppress(RedisError):
            self.redis.expire(keys.log(deployment_id), STREAM_KEPT_S)

    def read(self, deployment_id: int) -> Iterator[str]:
        """What there is so far, from the start."""
        last: Position = (0, 0)
        for at, line in self._stored(deployment_id):
            if at > last:
                last = at
                yield line

    def follow(self, deployment_id: int, *, after: str = "0") -> Iterator[tuple[str, str]]:
        """(position, line) from `after` on, as they come, until the log is finished. An empty line with the same
        position is a sign of life every few seconds."""
        position = _position(after)
        reader = self._reader()
        while True:
            finished = self._is_finished(deployment_id)
            for at, line in self._stored(deployment_id):
                if at > position:
                    position = at
                    yield _text(at), line
            if finished:
                return
            while lines := self._wait(reader, deployment_id, position):
                for at, line in lines:
                    position = at
                    yield _text(at), line
            yield _text(position), ""

    def remove(self, deployment_id: int) -> None:
        """Remove the file and the stream."""
        writer = self._writers.pop(deployment_id, None)
        if writer:
            os.close(writer.file)
        for path in (self._spool(deployment_id), self._kept(deployment_id), self._aside(deployment_id)):
            path.unlink(missing_ok=True)
        with contextlib.suppress(RedisError):
            self.redis.delete(keys.log(deployment_id))

    # writing

    def _writer(self, deployment_id: int) -> _Writer:
        writer = self._writers.get(deployment_id)
        if writer is not None and os.fstat(writer.file).st_nlink:
            return writer
        if writer is not None:  # finished by another process meanwhile
            os.close(writer.file)
        spool = self._spool(deployment_id)
        spool.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        opened = _Writer(os.open(spool, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640))
        if writer is not None:
            opened.last = writer.last
        self._writers[deployment_id] = opened
        return opened

    def _compress(self, deployment_id: int) -> None:
        """Put all that is stored into the compressed file. After a kill before the spool is removed its lines are
        there twice, and readers drop the second time."""
        aside = self._aside(deployment_id)
        with aside.open("wb") as file:
            with gzip.open(file, "wt", **_AS_TEXT) as compressed:
                compressed.writelines(self._stored_lines(deployment_id))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._kept(deployment_id))

    def _publish(self, deployment_id: int, position: str, fields: dict[bytes, str]) -> None:
        if time.monotonic() < self._silent_until:
            return
        entry = cast("dict[Any, Any]", fields)
        try:
            self.redis.xadd(keys.log(deployment_id), entry, id=position, maxlen=STREAM_LINES, approximate=True)
        except ResponseError:
            log.debug("a line came late for the stream; the file has it", extra={"deployment": deployment_id})
        except RedisError as error:
            self._silent_until = time.monotonic() + REDIS_PAUSE_S
            log.warning("live log is silent, the file goes on", extra={"deployment": deployment_id, "why": str(error)})

    # reading

    def _is_finished(self, deployment_id: int) -> bool:
        return self._kept(deployment_id).exists() and not self._spool(deployment_id).exists()

    def _stored(self, deployment_id: int) -> Iterator[tuple[Position, str]]:
        """Lines of the compressed file, then of the spool. The spool is opened first: what is compressed meanwhile is
        then read twice, and the reader's position drops the second time."""
        return map(_split, self._stored_lines(deployment_id))

    def _stored_lines(self, deployment_id: int) -> Iterator[str]:
        """Lines with their positions and line breaks. A compressed file that an earlier version damaged is read as far
        as that is possible."""
        try:
            spool = self._spool(deployment_id).open(**_AS_TEXT)
        except FileNotFoundError:
            spool = None
        with (
            contextlib.suppress(FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error),
            gzip.open(self._kept(deployment_id), "rt", **_AS_TEXT) as kept,
        ):
            yield from kept
        if spool:
            with spool:
                yield from (line for line in spool if line.endswith("\n"))

    def _wait(self, reader: Redis, deployment_id: int, position: Position) -> list[tuple[Position, str]]:
        """The lines that follow `position` without a gap, waiting a while for them; none when it is time to look at the
        file: at the end, at a gap (Redis was unreachable), after silence."""
        try:
            answer = reader.xread({keys.log(deployment_id): _text(position)}, block=int(WAIT_S * 1000))
        except RedisError:
            time.sleep(POLL_S)
            return []
        entries = cast("list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]", answer or [])
        lines: list[tuple[Position, str]] = []
        for _, messages in entries:
            for identity, fields in messages:
                if _END in fields or _position(fields[_BEFORE].decode()) != position:
                    return lines
                position = _position(identity.decode())
                lines.append((position, fields[_LINE].decode("utf-8", "replace")))
        return lines

    def _reader(self) -> Redis:
        """A connection that waits longer than the stream is asked to."""
        options = self.redis.connection_pool.connection_kwargs
        if (options.get("socket_timeout") or WAIT_S + 1) > WAIT_S:
            return self.redis
        pool = type(self.redis.connection_pool)(
            connection_class=self.redis.connection_pool.connection_class, **{**options, "socket_timeout": WAIT_S + 3}
        )
        return Redis(connection_pool=pool)

    def _spool(self, deployment_id: int) -> Path:
        return self.log_dir / "deployments" / f"{deployment_id}.log"

    def _kept(self, deployment_id: int) -> Path:
        return self.log_dir / "deployments" / f"{deployment_id}.log.gz"

    def _aside(self, deployment_id: int) -> Path:
        return self.log_dir / "deployments" / f"{deployment_id}.log.gz.new"


def _now() -> Position:
    return time.time_ns() // 1_000_000, 0


def _after(last: Position) -> Position:
    """The clock's, or the next one where the clock does not move on."""
    now = _now()
    return now if now > last else (last[0], last[1] + 1)


def _split(line: str) -> tuple[Position, str]:
    position, _, text = line.rstrip("\n").partition(" ")
    return _position(position), text


def _last_position(file: int) -> Position:
    """Of the last line in the file; (0, 0) when it is empty."""
    size = os.fstat(file).st_size
    if not size:
        return 0, 0
    window = 4096
    while True:
        start = max(0, size - window)
        tail = os.pread(file, size - start, start).rstrip(b"\n")
        newline = tail.rfind(b"\n")
        if newline >= 0 or start == 0:
            return _position(tail[newline + 1 :].split(b" ", 1)[0].decode("ascii", "replace"))
        window *= 4
