"""The key that signs who a caller is, for apps: `X-Slipway-Identity`, a JWT with ES256.

The file holds private keys in PEM form. The first one signs; the public halves of all are published, so that a key can
be replaced without a request that an app refuses: put the new one first, and take the old one out some minutes later.
Imported only where sign-on is on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from slipway.errors import SettingsError

FILE = "identity.key"
ALGORITHM = "ES256"
CURVE = "P-256"
_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


class IdentityKey:
    """Signs with the file's first key.

    Raises:
        SettingsError: the file can't be read, or holds what is no private key on the curve P-256.
    """

    def __init__(self, file: Path) -> None:
        try:
            blocks = _PEM.findall(file.read_bytes())
        except OSError as error:
            raise SettingsError(
                f"the key file {file.name} can't be read: {error.strerror}", remedy="make up creates it"
            ) from error
        keys = [_private_key(file, block) for block in blocks]
        if not keys:
            raise _not_valid(file)
        self._signing = keys[0]
        self._header = {"alg": ALGORITHM, "kid": keys[0].thumbprint()}
        self.public: dict[str, Any] = {"keys": [_published(key) for key in keys]}
        """The public halves, as a JSON Web Key Set (RFC 7517)."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(self._header, dict(claims), self._signing, algorithms=[ALGORITHM])


def _private_key(file: Path, block: bytes) -> ECKey:
    try:
        key = ECKey.import_key(block)
        if key.is_private and key.curve_name == CURVE:
            return key
    except (JoseError, ValueError, KeyError):
        pass
    raise _not_valid(file)


def _published(key: ECKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}


def _not_valid(file: Path) -> SettingsError:
    return SettingsError(
        f"the key file {file.name} holds something else than private keys on the curve {CURVE} in PEM form",
        remedy="remove it, and make up creates another: apps learn its public half by themselves",
    )
