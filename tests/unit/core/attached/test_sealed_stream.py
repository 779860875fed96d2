"""A stream that is compressed and encrypted in pieces: it opens as it was, or not at all."""

from __future__ import annotations

import io
import random
import zlib

import pytest

from slipway.core.attached.sealed_stream import PIECE_BYTES, opened, sealed
from slipway.errors import BackupDamaged

KEY = bytes(range(32))
PLAIN = random.Random(1).randbytes(3 * PIECE_BYTES + 17)
SEALED = b"".join(sealed([PLAIN[:1000], PLAIN[1000:]], KEY))
PIECE = PIECE_BYTES + 16


def open_all(data: bytes, key: bytes = KEY) -> bytes:
    return b"".join(opened(io.BytesIO(data).read, key))


@pytest.mark.parametrize("plain", [b"", b"x", b"\0" * (40 << 20), PLAIN])
def test_it_opens_as_it_was(plain: bytes) -> None:
    made = b"".join(sealed([plain], KEY))
    assert open_all(made) == plain
    assert plain not in made or not plain


def test_what_repeats_gets_smaller() -> None:
    assert len(b"".join(sealed([b"insert into t values (1);\n"] * 100_000, KEY))) < 100_000


def test_a_few_bytes_that_become_very_many_come_in_pieces() -> None:
    made = b"".join(sealed([b"\0" * (40 << 20)], KEY))
    assert max(map(len, opened(io.BytesIO(made).read, KEY))) <= PIECE_BYTES


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        SEALED[:-1],
        SEALED[:PIECE],
        SEALED[: 2 * PIECE],
        SEALED[:-1] + bytes([SEALED[-1] ^ 1]),
        bytes([SEALED[0] ^ 128]) + SEALED[1:],
        SEALED[PIECE : 2 * PIECE] + SEALED[:PIECE] + SEALED[2 * PIECE :],
        SEALED[:PIECE] + SEALED,
        SEALED[:PIECE] + SEALED[2 * PIECE :],
        SEALED + b"\0",
        SEALED + SEALED,
    ],
    ids=["nothing", "a byte short", "one piece", "two pieces", "last byte", "first byte", "moved", "twice", "left out",
         "a byte more", "all of it twice"],
)  # fmt: skip
def test_what_was_cut_or_changed_does_not_open(damaged: bytes) -> None:
    with pytest.raises(BackupDamaged, match="cut or changed"):
        open_all(damaged)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(BackupDamaged):
        open_all(SEALED, bytes(32))


def test_a_stream_that_was_cut_before_it_was_sealed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    half = zlib.compress(PLAIN)[:1000]
    monkeypatch.setattr("slipway.core.attached.sealed_stream._compressed", lambda _pieces: [half])
    with pytest.raises(BackupDamaged, match="cut before"):
        open_all(b"".join(sealed([], KEY)))
