"""E-mail addresses as Slipway takes them: those that everybody reads in the same way."""

from __future__ import annotations

import re

LONGEST = 255
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}")


def email_address(text: str) -> str:
    """The address in small letters, as Keycloak keeps it; empty: the text is none. One with two `@`, a space, a line's
    end or a letter outside ASCII is none: what gets it could read it as another, or as two."""
    address = text.lower()
    return address if text.isascii() and len(address) <= LONGEST and _ADDRESS.fullmatch(address) else ""
