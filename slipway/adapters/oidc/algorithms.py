"""Which signatures are accepted: of asymmetric keys alone. With `none` there is no signature, and with HS256 anybody
who knows the public key could make one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Algorithm:
    key_type: str
    digest: Callable[[bytes], Any]
    curve: str | None = None


ALGORITHMS: Mapping[str, Algorithm] = {
    "RS256": Algorithm("RSA", hashlib.sha256),
    "RS384": Algorithm("RSA", hashlib.sha384),
    "RS512": Algorithm("RSA", hashlib.sha512),
    "PS256": Algorithm("RSA", hashlib.sha256),
    "PS384": Algorithm("RSA", hashlib.sha384),
    "PS512": Algorithm("RSA", hashlib.sha512),
    "ES256": Algorithm("EC", hashlib.sha256, "P-256"),
    "ES384": Algorithm("EC", hashlib.sha384, "P-384"),
    "ES512": Algorithm("EC", hashlib.sha512, "P-521"),
}
