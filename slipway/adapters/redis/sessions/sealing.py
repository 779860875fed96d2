"""Records that nobody can read or write who has Redis alone.

The key of each is made from a secret that only the client holds, and from a key of this host's: without the first it
can't be read, without the second not be made up. Redis knows a record by its id, which is a digest of the secret.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_RANDOM_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a secret is for. The same bytes give another id and another key for each purpose, so that the value of one
    kind of cookie is nothing as another."""

    id_label: bytes
    key_label: bytes


SESSION = Purpose(b"id", b"slipway session")
APP_SESSION = Purpose(b"app id", b"slipway app session")
LOGIN = Purpose(b"login id", b"slipway login")
APP_LOGIN = Purpose(b"app login id", b"slipway app login")
CODE = Purpose(b"code id", b"slipway code")
TOKEN_SESSION = Purpose(b"token session id", b"slipway token session")
CONSOLE_LINK = Purpose(b"console link id", b"slipway console link")


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens the one record that belongs to a secret."""

    id: str
    _cipher: AESGCM = field(repr=False)

    def seal(self, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, self.id.encode())

    def open(self, sealed: bytes) -> bytes | None:
        """None: it was not sealed with this secret, or was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.id.encode())
        except (InvalidTag, ValueError):  # ValueError: it is shorter than a nonce
            return None


@dataclass(frozen=True, slots=True)
class Seals:
    """What seals this host's records."""

    host_key: bytes = field(repr=False)

    def sealer(self, value: str, purpose: Purpose) -> Sealer | None:
        """None: the text is no value."""
        secret = _decoded(value)
        if secret is None:
            return None
        key = HKDF(SHA256(), length=32, salt=self.host_key, info=purpose.key_label).derive(secret)
        return Sealer(hashlib.sha256(purpose.id_label + secret).hexdigest(), AESGCM(key))

    def new(self, purpose: Purpose) -> tuple[str, Sealer]:
        """A new value, and what seals its record."""
        value = new_value()
        sealer = self.sealer(value, purpose)
        assert sealer is not None  # noqa: S101
        return value, sealer


def new_value() -> str:
    """A secret as cookies and addresses carry it: 43 characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def _decoded(value: str) -> bytes | None:
    """Each secret has one spelling: base64 would also take those that differ in bits it does not use."""
    try:
        secret = base64.b64decode(f"{value}=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    spelled = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    return secret if len(secret) == _RANDOM_BYTES and spelled == value else None
