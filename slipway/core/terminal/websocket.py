"""Frames of the WebSocket protocol (RFC 6455), for both ends: no extension, messages of a bounded size."""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MESSAGE_MOST_BYTES = 1 << 20
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL, _MASKED = 0x80, 0x80
_SHORT_MOST, _MEDIUM, _LONG = 125, 126, 127


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_CONTROL = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})


class ProtocolViolation(ValueError):
    """The other end sent what no WebSocket sends."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message, or a control frame."""

    opcode: Opcode
    payload: bytes


def new_key() -> str:
    """A client's Sec-WebSocket-Key."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except ValueError:
        return False


def accept_of(key: str) -> str:
    """The server's Sec-WebSocket-Accept."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def encoded(opcode: Opcode, payload: bytes = b"", *, masked: bool) -> bytes:
    """One frame; a client's are masked."""
    length = len(payload)
    mask_bit = _MASKED if masked else 0
    if length <= _SHORT_MOST:
        head = struct.pack(">BB", _FINAL | opcode, mask_bit | length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", _FINAL | opcode, mask_bit | _MEDIUM, length)
    else:
        head = struct.pack(">BBQ", _FINAL | opcode, mask_bit | _LONG, length)
    if not masked:
        return head + payload
    mask = secrets.token_bytes(4)
    return head + mask + _unmasked(payload, mask)


class Decoder:
    """Messages from bytes that come in pieces of any size. `masked`: whether the other end is a client."""

    def __init__(self, *, masked: bool) -> None:
        self._masked = masked
        self._received = bytearray()
        self._begun: Opcode | None = None
        self._parts = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Those that are complete with `data`. Raises `ProtocolViolation`."""
        self._received += data
        while (frame := self._frame()) is not None:
            message = self._joined(*frame)
            if message is not None:
                yield message

    def _frame(self) -> tuple[bool, Opcode, bytes] | None:
        head = self._head()
        if head is None:
            return None
        size, length = head
        end = size + length
        if len(self._received) < end:
            return None
        first, payload = self._received[0], bytes(self._received[size:end])
        mask = bytes(self._received[size - 4 : size])
        del self._received[:end]
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError as error:
            raise ProtocolViolation("an unknown opcode") from error
        is_final = bool(first & _FINAL)
        if first & 0x70 or (opcode in _CONTROL and (not is_final or length > _SHORT_MOST)):
            raise ProtocolViolation("reserved bits, or a control frame of several")
        return is_final, opcode, _unmasked(payload, mask) if self._masked else payload

    def _head(self) -> tuple[int, int] | None:
        """How long the frame's head is, and its payload; None: more has to come."""
        if len(self._received) < 2:
            return None
        second = self._received[1]
        if bool(second & _MASKED) != self._masked:
            raise ProtocolViolation("only what a client sends is masked")
        short, mask_size = second & 0x7F, 4 if self._masked else 0
        form, size = {_MEDIUM: (">H", 2), _LONG: (">Q", 8)}.get(short, ("", 0))
        if len(self._received) < 2 + size + mask_size:
            return None
        length = int(struct.unpack_from(form, self._received, 2)[0]) if form else short
        if length > MESSAGE_MOST_BYTES:
            raise ProtocolViolation("a message is too long")
        return 2 + size + mask_size, length

    def _joined(self, is_final: bool, opcode: Opcode, payload: bytes) -> Message | None:
        if opcode in _CONTROL:
            return Message(opcode, payload)
        if (opcode is Opcode.CONTINUATION) == (self._begun is None):
            raise ProtocolViolation("a message within a message, or a part of none")
        opcode_of_whole = self._begun or opcode
        self._parts += payload
        if len(self._parts) > MESSAGE_MOST_BYTES:
            raise ProtocolViolation("a message is too long")
        if not is_final:
            self._begun = opcode_of_whole
            return None
        whole = Message(opcode_of_whole, bytes(self._parts))
        self._begun = None
        self._parts.clear()
        return whole


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """Masking undoes itself."""
    length = len(payload)
    whole = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
    return (int.from_bytes(payload, "big") ^ whole).to_bytes(length, "big")
