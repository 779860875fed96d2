"""What a bearer token looks like, and what is kept of it."""

from __future__ import annotations

import hashlib

PREFIX = "slw_"
RANDOM_BYTES = 32
_HINT_LENGTH = len(PREFIX) + 6


def hashed(token: str) -> str:
    """SHA-256, hex: tokens are 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def hint(token: str) -> str:
    """The first characters, to tell tokens apart."""
    return token[:_HINT_LENGTH]
