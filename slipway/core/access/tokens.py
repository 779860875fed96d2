"""What bearer tokens, hooks' secrets and those of invitations look like, and what is kept of them."""

from __future__ import annotations

import hashlib

PREFIX = "slw_"
HOOK_PREFIX = "slwh_"
PUBLISH_PREFIX = "slwp_"
"""Of what a CI job gets for its own token."""
INVITATION_PREFIX = "slwi_"
SHAPE = rf"(?:{PREFIX}|{HOOK_PREFIX}|{PUBLISH_PREFIX}|{INVITATION_PREFIX})[A-Za-z0-9_-]{{20,}}"
"""A regular expression for all of them, by which they are masked wherever they are printed."""
RANDOM_BYTES = 32
_HINT_LENGTH = len(PREFIX) + 6


def hashed(token: str) -> str:
    """SHA-256, hex: tokens are 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def hint(token: str) -> str:
    """The first characters, to tell tokens apart."""
    return token[:_HINT_LENGTH]
