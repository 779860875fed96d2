"""A container's output as lines.

The Engine sends frames: stream, length, content; with json-file each is one message that begins with its time. A line
longer than 16 KiB comes in several messages with the same time, of which only the last ends in a newline, and the other
stream's messages may stand between them; so each stream is joined by itself. A newline alone ends a line: a progress
bar that rewrites itself with carriage returns is one line.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from slipway.core.text.control_sequences import decoded, without_controls, without_unfinished
from slipway.core.text.rewritten_lines import as_seen

HEADER = struct.Struct(">BxxxL")
LINE_MAX_BYTES = 64 << 10
"""A longer line is cut here, so that no program can fill a reader's memory."""
CUT_MARK = f" … [cut at {LINE_MAX_BYTES >> 10} KiB]".encode()
_REPLACED = "\ufffd".encode()
_SLACK = 16
"""Pieces asked for beyond the lines that are wanted."""
_WIDER = 4

Message = tuple[int, bytes]
"""Stream, content."""


class ByteSource(Protocol):
    def read(self, amt: int, /) -> bytes: ...


def frames(source: ByteSource) -> Iterator[Message]:
    """(stream, content), to the end of the source; a frame that was cut off is dropped."""
    while len(header := source.read(HEADER.size)) == HEADER.size:
        stream, length = HEADER.unpack(header)
        content = source.read(length)
        if len(content) < length:
            return
        yield stream, content


class FrameDecoder:
    """Frames from bytes that come in pieces of any size."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The frames that are complete with `data`."""
        self._received += data
        while len(self._received) >= HEADER.size:
            stream, length = HEADER.unpack_from(self._received)
            end = HEADER.size + length
            if len(self._received) < end:
                return
            content = bytes(self._received[HEADER.size : end])
            del self._received[:end]
            yield stream, content


class LineJoiner:
    """Joins the messages of each stream to lines `<time> <text>\\n`."""

    def __init__(self) -> None:
        self._begun: dict[int, bytes] = {}
        self._cut: set[int] = set()
        """Streams whose line was yielded already: the remaining pieces of it are dropped."""

    def add(self, stream: int, message: bytes) -> bytes | None:
        """The line that ends with this message, or that is as long as one may be."""
        ends = message.endswith(b"\n")
        if stream in self._cut:
            self._cut -= {stream} if ends else set()
            return None
        start = self._begun.pop(stream, None)
        line = message if start is None else _joined(start, _text(message))
        if len(_text(line)) > LINE_MAX_BYTES + 1:
            self._cut |= set() if ends else {stream}
            return _cut(line)
        if ends:
            return line.rstrip(b"\r\n") + b"\n"
        self._begun[stream] = line
        return None

    def rest(self) -> Iterator[bytes]:
        """The lines that never got their end."""
        for line in self._begun.values():
            yield line.rstrip(b"\r") + b"\n"


def lines(messages: Iterable[Message]) -> Iterator[bytes]:
    """Whole lines, in the order in which they ended."""
    joiner = LineJoiner()
    for stream, message in messages:
        line = joiner.add(stream, message)
        if line is not None:
            yield line
    yield from joiner.rest()


def last_lines(messages_of: Callable[[int], Iterable[Message]], wanted: int) -> list[bytes]:
    """The last `wanted` lines. The Engine counts messages, so more are asked for until they hold that many lines.

    Args:
        messages_of: gives so many of the last messages; fewer when there are no more.
    """
    asked = wanted + _SLACK
    while wanted:
        messages = _Counted(messages_of(asked))
        found = deque(lines(messages), maxlen=wanted + 1)
        # the first line may lack its start, unless all messages were read
        if messages.count < asked or len(found) > wanted:
            return list(found)[-wanted:]
        asked *= _WIDER
    return []


class _Counted:
    """Messages, and how many there were."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = messages
        self.count = 0

    def __iter__(self) -> Iterator[Message]:
        for message in self._messages:
            self.count += 1
            yield message


def time_of(line: bytes) -> str:
    """The RFC 3339 time that a line begins with; these sort as text."""
    return line.partition(b" ")[0].decode("ascii", "replace")


def without_time(line: bytes) -> str:
    """The text, as a terminal shows it in the end, without colours."""
    return without_controls(as_seen(decoded(_text(line)).rstrip("\r\n")))


def _text(message: bytes) -> bytes:
    return message.partition(b" ")[2]


def _joined(start: bytes, more: bytes) -> bytes:
    """A character that was cut at the seam was replaced on both sides by the Engine: it is shown as one."""
    if start.endswith(_REPLACED) and more.startswith(_REPLACED):
        start = start[: -len(_REPLACED)]
        while start.endswith(_REPLACED):
            start = start[: -len(_REPLACED)]
        while more.startswith(_REPLACED * 2):
            more = more[len(_REPLACED) :]
    return start + more


def _cut(line: bytes) -> bytes:
    time, _, text = line.partition(b" ")
    whole = without_unfinished(text[:LINE_MAX_BYTES].decode("utf-8", "ignore"))  # no character is cut in two
    return time + b" " + whole.encode() + CUT_MARK + b"\n"
