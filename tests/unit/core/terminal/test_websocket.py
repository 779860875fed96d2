"""Frames of WebSockets, held to those of the library `websockets`, and what is none."""

from __future__ import annotations

import itertools
import random

import pytest
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.utils import accept_key

from slipway.core.terminal.channels import Channel, End, Size, end_of, end_written, read, size_of, size_written, written
from slipway.core.terminal.websocket import (
    MESSAGE_MOST_BYTES,
    Decoder,
    Message,
    Opcode,
    ProtocolViolation,
    accept_of,
    encoded,
    is_key,
    new_key,
)

SIZES = (0, 1, 125, 126, 127, 65535, 65536, MESSAGE_MOST_BYTES)


def test_keys_and_their_answers() -> None:
    key = new_key()
    assert is_key(key)
    assert accept_of(key) == accept_key(key)
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "the example of RFC 6455"
    assert not any(map(is_key, ("", "x", "dGhl", key + "=", "\u00e9" * 16)))


@pytest.mark.parametrize("size", SIZES)
def test_what_the_library_writes_is_read_in_pieces_of_any_size(size: int) -> None:
    payload = random.Random(size).randbytes(size)
    wire = Frame(TheirOpcode.BINARY, payload).serialize(mask=True, extensions=[])
    decoder = Decoder(masked=True)
    cuts = sorted({0, 1, 2, min(9, len(wire)), len(wire) // 2, len(wire)})
    found = [message for first, last in itertools.pairwise(cuts) for message in decoder.feed(wire[first:last])]
    assert found == [Message(Opcode.BINARY, payload)]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_what_the_library_writes(size: int) -> None:
    payload = random.Random(size).randbytes(size)
    assert encoded(Opcode.BINARY, payload, masked=False) == Frame(TheirOpcode.BINARY, payload).serialize(
        mask=False, extensions=[]
    )
    assert list(Decoder(masked=True).feed(encoded(Opcode.PING, payload[:125], masked=True))) == [
        Message(Opcode.PING, payload[:125])
    ]


def test_a_message_in_parts_is_joined_and_control_frames_come_between() -> None:
    wire = b"".join(
        Frame(opcode, data, fin).serialize(mask=True, extensions=[])
        for opcode, data, fin in (
            (TheirOpcode.BINARY, b"a", False),
            (TheirOpcode.PING, b"p", True),
            (TheirOpcode.CONT, b"b", False),
            (TheirOpcode.CONT, b"c", True),
        )
    )
    assert list(Decoder(masked=True).feed(wire)) == [Message(Opcode.PING, b"p"), Message(Opcode.BINARY, b"abc")]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x82\x01a",  # not masked
        b"\x83\x80\0\0\0\0",  # an unknown opcode
        b"\xc2\x80\0\0\0\0",  # a reserved bit
        b"\x09\x80\0\0\0\0",  # a ping in parts
        b"\x80\x80\0\0\0\0",  # a part of nothing
        b"\x02\x80\0\0\0\0\x02\x80\0\0\0\0",  # a message within a message
        b"\x82\xff\0\0\0\0\0\x10\0\x01\0\0\0\0",  # too long
        b"\x89\xfe\x00\x7e\0\0\0\0" + bytes(126),  # a long ping
    ],
)
def test_what_no_client_sends_is_refused(wire: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        list(Decoder(masked=True).feed(wire))


def test_parts_are_together_no_longer_than_a_message() -> None:
    half = b"\0" * (MESSAGE_MOST_BYTES // 2 + 1)
    first = Frame(TheirOpcode.BINARY, half, fin=False).serialize(mask=True, extensions=[])
    decoder = Decoder(masked=True)
    assert list(decoder.feed(first)) == []
    with pytest.raises(ProtocolViolation):
        list(decoder.feed(Frame(TheirOpcode.CONT, half).serialize(mask=True, extensions=[])))


def test_channels_are_read_as_they_are_written() -> None:
    assert read(written(Channel.STDERR, b"x")) == (Channel.STDERR, b"x")
    assert size_of(size_written(Size(80, 24))) == Size(80, 24)
    for end in (End(0), End(None, "nothing was said for 60 s")):
        assert end_of(end_written(end)) == end


@pytest.mark.parametrize("message", [b"", b"\x09x"])
def test_what_has_no_channel_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"(?i)channel"):
        read(message)


@pytest.mark.parametrize(
    "content", ["[]", '{"columns": 80}', '{"columns": 0, "rows": 24}', '{"columns": true, "rows": 1}']
)
def test_what_is_no_size_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="a terminal has"):
        size_of(content.encode())
