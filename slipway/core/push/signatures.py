"""HMAC signatures of deliveries, as GitHub makes them: `X-Hub-Signature-256: sha256=<hex>` over the raw body.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")
_MATCHES_NOTHING = "0" * 64


def sign(secret: str, body: bytes) -> str:
    """The header's value for `body`."""
    return "sha256=" + _digest(secret, body)


def is_signed(body: bytes, signature: str | None, secrets: Iterable[str]) -> bool:
    """Was `body` signed with one of `secrets`?

    An empty secret never counts. Every secret is tried and compared in constant time, also when the signature is
    missing or malformed, so that the time of the response does not show why it was refused.
    """
    match = _SIGNATURE.fullmatch(signature or "")
    given = match[1].lower() if match else _MATCHES_NOTHING
    equal = [hmac.compare_digest(_digest(secret, body), given) and bool(secret) for secret in secrets]
    return match is not None and any(equal)


def _digest(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
