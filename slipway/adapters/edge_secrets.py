"""Secrets that the edges of an installation share with its router, made from the installation's key: an edge without
that file has one of its own, which nobody else knows."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

LIMITS = b"slipway limits"
"""Callers are named to clients by it, so that nobody finds an address by its name."""
TRIED_REQUESTS = b"slipway tried requests"
"""The router asks by it which target took a request (`slipway.adapters.edge_client`)."""
_KEY = "values.key"


def derived(key_dir: Path, purpose: bytes) -> str:
    """In hexadecimal, the same wherever the key is the same."""
    try:
        key = (key_dir / _KEY).read_bytes()
    except OSError:
        key = secrets.token_bytes(32)
    return hmac.digest(key, purpose, "sha256").hex()
