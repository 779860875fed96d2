"""A container's output as lines.

The Engine sends frames: stream, length, content; with json-file each is one message that begins with its time. A line
longer than 16 KiB comes in several messages, of which only the last ends in a newline, and the other stream's messages
may stand between them; so each stream is joined by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Protocol

HEADER = struct.Struct(">BxxxL")
LINE_MAX_BYTES = 256 << 10  # a longer line is given in pieces, so that no program can fill the reader's memory


class ByteSource(Protocol):
    def read(self, amt: int, /) -> bytes: ...


def frames(source: ByteSource) -> Iterator[tuple[int, bytes]]:
    """(stream, content), to the end of the source; a frame that was cut off is dropped."""
    while len(header := source.read(HEADER.size)) == HEADER.size:
        stream, length = HEADER.unpack(header)
        content = source.read(length)
        if len(content) < length:
            return
        yield stream, content


def lines(messages: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Whole lines `<time> <text>\\n`, in the order in which they ended."""
    begun: dict[int, bytes] = {}
    for stream, message in messages:
        start = begun.pop(stream, None)
        line = message if start is None else start + _text(message)
        if line.endswith(b"\n"):
            yield line
        elif len(line) >= LINE_MAX_BYTES:
            yield line + b"\n"
        else:
            begun[stream] = line
    for line in begun.values():
        yield line + b"\n"


def without_time(line: bytes) -> str:
    return _text(line).decode("utf-8", "replace").rstrip("\r\n")


def _text(message: bytes) -> bytes:
    return message.partition(b" ")[2]
