"""The provider's public keys (RFC 7517), and which of them verifies a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

from slipway.adapters.oidc.algorithms import ALGORITHMS

MOST_KEYS = 50
_RSA_BITS = range(2048, 8193)
"""Shorter ones can be broken, longer ones take seconds to verify with."""
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Keys:
    keys: tuple[RSAKey | ECKey, ...]

    def find(self, algorithm: str, kid: str | None) -> RSAKey | ECKey | None:
        """The one key that fits. Without a `kid` it has to be the only one of its kind: there is no guessing."""
        fitting = [key for key in self.keys if _fits(key, algorithm) and kid in (None, key.get("kid"))]
        return fitting[0] if len(fitting) == 1 else None


def read(document: Mapping[str, Any]) -> Keys:
    """The keys that can be used; others are left out, as RFC 7517 has it.

    Raises:
        ValueError: it is no key set, or has too many keys.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError(f"it is no set of {MOST_KEYS} keys at most")
    return Keys(tuple(_usable(listed)))


def _usable(listed: list[Any]) -> Iterator[RSAKey | ECKey]:
    for each in listed:
        if not isinstance(each, dict) or _PRIVATE & each.keys():
            continue
        try:
            key = _imported(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # a key that nobody can verify with is none
        if key is not None:
            yield key


def _imported(document: dict[str, Any]) -> RSAKey | ECKey | None:
    match document.get("kty"):
        case "RSA" if base64_to_int(document["n"]).bit_length() in _RSA_BITS:
            return RSAKey.import_key(document)
        case "EC":
            return ECKey.import_key(document)
        case _:
            return None


def _fits(key: RSAKey | ECKey, algorithm: str) -> bool:
    operations, wanted = key.get("key_ops"), ALGORITHMS[algorithm]
    return (
        key.key_type == wanted.key_type
        and key.get("crv") == wanted.curve
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, algorithm)
        and (operations is None or "verify" in operations)
    )
