"""A long stream, compressed and encrypted in pieces: AES-256-GCM by a key of its own, as in STREAM (Hoang,
Reyhanitabar, Rogaway and Vizár, 2015). A piece has its number and whether it is the last in its nonce, so that pieces
that are changed, moved, repeated or left out, and a stream that is cut, do not open.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from slipway.errors import BackupDamaged

PIECE_BYTES = 64 << 10
_TAG_BYTES = 16
_SEALED_BYTES = PIECE_BYTES + _TAG_BYTES
_LEVEL = 1
"""Most of it is other people's processor time: fast before small."""
Read = Callable[[int], bytes]


def sealed(pieces: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """`key`: 32 bytes that seal nothing else."""
    cipher, number, left = AESGCM(key), itertools.count(), bytearray()
    for piece in _compressed(pieces):
        left += piece
        while len(left) > PIECE_BYTES:  # what may be the last one is kept back
            yield cipher.encrypt(_nonce(next(number), is_last=False), bytes(left[:PIECE_BYTES]), None)
            del left[:PIECE_BYTES]
    yield cipher.encrypt(_nonce(next(number), is_last=True), bytes(left), None)


def opened(read: Read, key: bytes) -> Iterator[bytes]:
    """What was sealed. `read` gives so many bytes of it, fewer only at its end.

    Raises:
        BackupDamaged: it was cut or changed. What came before is as it was.
    """
    cipher, inflate = AESGCM(key), zlib.decompressobj()
    piece = read(_SEALED_BYTES)
    for number in itertools.count():
        following = read(_SEALED_BYTES)
        try:
            plain = cipher.decrypt(_nonce(number, is_last=not following), piece, None)
            yield from _inflated(inflate, plain)
        except (InvalidTag, ValueError, zlib.error):
            raise BackupDamaged("it was cut or changed") from None
        if not following:
            break
        piece = following
    if not inflate.eof:
        raise BackupDamaged("it was cut before it was sealed")


def _inflated(inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """A piece at a time: a few bytes may become very many."""
    while data:
        if found := inflate.decompress(data, PIECE_BYTES):
            yield found
        data = inflate.unconsumed_tail


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    deflate = zlib.compressobj(_LEVEL)
    for piece in pieces:
        yield deflate.compress(piece)
    yield deflate.flush()


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")
