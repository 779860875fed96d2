"""The encryption of a backup: what is written is read back as it was, or refused with the reason.

    header   magic (16 bytes), version, log2 of scrypt's N, salt (32), HMAC-SHA256 of what stands before it
    chunks   AES-256-GCM of 1 MiB each; the last one is shorter or as long

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", 2015): a chunk's nonce is its number and whether it is the last, so chunks that were swapped, left
out, appended or cut off do not open. The key is made of the secret and the salt by scrypt (RFC 7914), for this file
alone. The header's HMAC tells another secret from a damaged file.
"""

from __future__ import annotations

import hmac
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from slipway.errors import HostUnready

MAGIC = b"slipway backup\r\n"
VERSION = 1
CHUNK_BYTES = 1 << 20
SCRYPT_LOG_N = 16
"""64 MiB of memory, twice (p = 2): as costly as OWASP's first choice, with half of its memory."""
_LOG_N_ALLOWED = range(10, 21)
_SALT_BYTES = 32
_MAC_BYTES = 32
_TAG_BYTES = 16
_HEADER_BYTES = len(MAGIC) + 2 + _SALT_BYTES + _MAC_BYTES
_SEALED_BYTES = CHUNK_BYTES + _TAG_BYTES
_COUNTER_BYTES = 11


class BackupRefused(HostUnready):
    """The file is no backup, was made with another secret, or is not what was written."""

    code = "backup-refused"


@dataclass(frozen=True, slots=True)
class _Keys:
    header: bytes
    chunks: bytes

    @classmethod
    def derive(cls, secret: bytes, salt: bytes, log_n: int) -> _Keys:
        master = Scrypt(salt=salt, length=32, n=1 << log_n, r=8, p=2).derive(secret)
        return cls(*(HKDFExpand(hashes.SHA256(), 32, info).derive(master) for info in (b"header", b"chunks")))


class SealingWriter:
    """Takes bytes in pieces of any size and writes them encrypted. `close` writes the last chunk: without it the file
    is refused."""

    def __init__(self, sink: IO[bytes], secret: bytes, *, log_n: int = SCRYPT_LOG_N) -> None:
        salt = os.urandom(_SALT_BYTES)
        keys = _Keys.derive(secret, salt, log_n)
        said = MAGIC + bytes([VERSION, log_n]) + salt
        self._sink = sink
        self._header = said + hmac.digest(keys.header, said, "sha256")
        self._cipher = AESGCM(keys.chunks)
        self._waiting = bytearray()
        self._number = 0
        sink.write(self._header)

    def write(self, data: bytes) -> int:
        """A chunk is written once more follows it: only then it is not the last."""
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._sink.write(self._cipher.encrypt(nonce, plain, self._header))
        self._number += 1


class OpeningReader:
    """The plain bytes of a file, for `tarfile`. Nothing is returned of a chunk that is not as it was written.

    Raises:
        BackupRefused: here and from `read`; says why.
    """

    def __init__(self, source: IO[bytes], secret: bytes) -> None:
        self._source = source
        self._header = source.read(_HEADER_BYTES)
        self._cipher = AESGCM(_checked_keys(self._header, secret).chunks)
        self._chunks = self._opened()
        self._ready = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        pieces: list[bytes] = []
        missing = size if size >= 0 else sys.maxsize
        while missing and (self._ready or self._next()):
            pieces.append(bytes(self._ready[:missing]))
            self._ready = self._ready[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _next(self) -> bool:
        self._ready = memoryview(next(self._chunks, b""))
        return bool(self._ready)

    def read_to_end(self) -> None:
        """Open all that is left, so that nothing of the file goes unchecked."""
        self._ready = memoryview(b"")
        for _ in self._chunks:
            pass

    def _opened(self) -> Iterator[bytes]:
        number = 0
        sealed = self._source.read(_SEALED_BYTES)
        while True:
            following = self._source.read(_SEALED_BYTES)
            yield self._open(sealed, number, is_last=not following)
            if not following:
                return
            sealed = following
            number += 1

    def _open(self, sealed: bytes, number: int, *, is_last: bool) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(number, is_last=is_last), sealed, self._header)
        except (InvalidTag, ValueError):  # ValueError: shorter than a tag
            raise BackupRefused(self._why(sealed, number, is_last=is_last), remedy=_TAKE_ANOTHER) from None

    def _why(self, sealed: bytes, number: int, *, is_last: bool) -> str:
        where = f"in chunk {number + 1}, from byte {_HEADER_BYTES + number * _SEALED_BYTES}"
        if is_last and (len(sealed) < _TAG_BYTES or self._opens(sealed, number, is_last=False)):
            return f"the backup is cut off: it ends {where}, before its last chunk"
        if not is_last and self._opens(sealed, number, is_last=True):
            return f"the backup is not what was written: more follows its last chunk, {where}"
        return f"the backup is not what was written: it is cut off, or was changed, {where}"

    def _opens(self, sealed: bytes, number: int, *, is_last: bool) -> bool:
        try:
            self._cipher.decrypt(_nonce(number, is_last=is_last), sealed, self._header)
        except (InvalidTag, ValueError):
            return False
        return True


_TAKE_ANOTHER = "nothing of it was used; take another copy of it, or an older backup"


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([is_last])


def _checked_keys(header: bytes, secret: bytes) -> _Keys:
    if not header.startswith(MAGIC[: len(header)]) or not header:
        raise BackupRefused("this is no backup of Slipway", remedy="name a file that make backup wrote")
    if len(header) < _HEADER_BYTES:
        raise BackupRefused("the backup is cut off: it ends within its header", remedy=_TAKE_ANOTHER)
    version, log_n = header[len(MAGIC) : len(MAGIC) + 2]
    if version != VERSION or log_n not in _LOG_N_ALLOWED:
        raise BackupRefused(
            f"the backup has format {version}.{log_n}, which this Slipway does not read",
            remedy="a newer Slipway may; otherwise its header was changed: take another copy of it",
        )
    said, mac = header[:-_MAC_BYTES], header[-_MAC_BYTES:]
    keys = _Keys.derive(secret, said[-_SALT_BYTES:], log_n)
    if not hmac.compare_digest(hmac.digest(keys.header, said, "sha256"), mac):
        raise BackupRefused(
            "the backup does not open: it was made with another passphrase or key, or its header was changed",
            remedy="KEY=… names the file with the passphrase or key that it was made with",
        )
    return keys
