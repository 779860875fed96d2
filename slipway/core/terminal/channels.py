"""What the two ends of a terminal's WebSocket say: binary messages, each of a channel, as Kubernetes' exec has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum

SUBPROTOCOL = "slipway.exec.v1"
_SIDE_MOST = 1000


class Channel(IntEnum):
    """The first byte of each message."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    END = 3
    """From the platform, last: `exit_code`, or null with the `detail` why there is none."""
    RESIZE = 4
    """From the client: `columns` and `rows`."""
    CLOSE_STDIN = 5
    """From the client: nothing more will come on its standard input."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class End:
    exit_code: int | None
    detail: str = ""


def written(channel: Channel, content: bytes = b"") -> bytes:
    return bytes([channel]) + content


def read(message: bytes) -> tuple[Channel, bytes]:
    """Raises `ValueError` for what is none."""
    if not message:
        raise ValueError("an empty message has no channel")
    return Channel(message[0]), message[1:]


def size_written(size: Size) -> bytes:
    return json.dumps({"columns": size.columns, "rows": size.rows}).encode()


def size_of(content: bytes) -> Size:
    """Raises `ValueError` for what is none."""
    values = json.loads(content)
    found = values if isinstance(values, dict) else {}
    return checked_size(found.get("columns"), found.get("rows"))


def checked_size(columns: object, rows: object) -> Size:
    if not (type(columns) is int and type(rows) is int and 0 < columns <= _SIDE_MOST and 0 < rows <= _SIDE_MOST):
        raise ValueError(f"a terminal has 1 to {_SIDE_MOST} columns and rows")
    return Size(columns, rows)


def end_written(end: End) -> bytes:
    return json.dumps({"exit_code": end.exit_code, "detail": end.detail}).encode()


def end_of(content: bytes) -> End:
    values = json.loads(content)
    return End(values["exit_code"], values["detail"])
