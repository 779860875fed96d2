"""What an authority says of itself: its directory (RFC 8555, 7.1.1)."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

TIMEOUT_S = 5.0


def caa_identities(url: str, ca_bundle: str = "") -> frozenset[str]:
    """By which names CAA records know it. Empty: it does not say, or does not answer."""
    try:
        trust = ssl.create_default_context(cafile=ca_bundle or None)
        document: Any = httpx.get(url, verify=trust, timeout=TIMEOUT_S).json()
        return frozenset(str(each).lower() for each in document.get("meta", {}).get("caaIdentities", ()))
    except (httpx.HTTPError, OSError, ValueError, AttributeError, TypeError):
        return frozenset()
