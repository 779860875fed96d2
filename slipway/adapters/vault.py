"""Secrets at rest: AES-256-GCM, bound to where they belong, with a key id so that keys can be rotated.

Three key files keep them apart: `hooks.key` (webhook, router) for hooks' secrets, `values.key` (router, workers, agent)
for variables and credentials, so that the process that faces the internet can't read apps' secrets, and
`certificates.key` (router, the certificates' worker) for the keys of own certificates.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from slipway.errors import SettingsError, SlipwayError

HOOKS = "hooks.key"
VALUES = "values.key"
CERTIFICATES = "certificates.key"
_VERSION = "1"


class SealBroken(SlipwayError):
    """A sealed value does not open: another key, another place, or it was changed."""

    code = "seal-broken"


class Vault:
    """Seals with the file's first key and opens with any of them (one base64url key of 32 bytes a line)."""

    def __init__(self, key_file: Path) -> None:
        try:
            lines = key_file.read_text().split()
        except OSError as error:
            raise SettingsError(
                f"the key file {key_file.name} can't be read: {error.strerror}",
                remedy="make up creates it; restore it from your backup if this host had one",
            ) from error
        try:
            keys = [base64.urlsafe_b64decode(line) for line in lines]
            self._keys = {_key_id(key): AESGCM(key) for key in keys}
        except ValueError as error:
            raise SettingsError(
                f"the key file {key_file.name} holds what is no key", remedy="restore it from your backup"
            ) from error
        if not keys:
            raise SettingsError(f"the key file {key_file.name} is empty", remedy="restore it from your backup")
        self._digest_key = hmac.digest(keys[0], b"slipway digests", "sha256")
        self._current = next(iter(self._keys))

    def seal(self, value: str, *where: object) -> str:
        """Seal `value` for one place, such as `(tenant_id, app_id, "DATABASE_URL")`."""
        nonce = os.urandom(12)
        sealed = self._keys[self._current].encrypt(nonce, value.encode(), _bind(where))
        return ".".join((_VERSION, self._current, base64.urlsafe_b64encode(nonce + sealed).decode()))

    def open(self, sealed: str, *where: object) -> str:
        """The value sealed for this place.

        Raises:
            SealBroken: its key is not in the file, or it was sealed for another place.
        """
        version, _, rest = sealed.partition(".")
        key_id, _, content = rest.partition(".")
        cipher = self._keys.get(key_id)
        if version != _VERSION or cipher is None:
            raise SealBroken("a secret was sealed with a key that is not here", remedy="restore the key file")
        try:
            raw = base64.urlsafe_b64decode(content)
            return cipher.decrypt(raw[:12], raw[12:], _bind(where)).decode()
        except (InvalidTag, ValueError):  # ValueError: not even base64, or cut short
            raise SealBroken("a secret does not belong where it was found", remedy="set it again") from None

    def digest(self, value: object) -> str:
        """40 hexadecimal digits, the same for the same value (of plain JSON). They reveal nothing of it: without the
        key file nobody can try out values."""
        plain = json.dumps(value, sort_keys=True).encode()
        return hmac.new(self._digest_key, plain, "sha256").hexdigest()[:40]


def create_key_file(path: Path) -> None:
    """Make a new key file, mode 0600; nothing when it is there."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"slipway key id" + key).hexdigest()[:8]


def _bind(where: tuple[object, ...]) -> bytes:
    return "\x1f".join(str(part) for part in where).encode()
