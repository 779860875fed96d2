"""Whether a page of the console's host made a request: browsers say so, and a page can't make them lie."""

from __future__ import annotations

from urllib.parse import urlsplit

from slipway.errors import CrossSiteRequest

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods of requests that change nothing."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def require_own_page(public_url: str, fetch_site: str, origin: str) -> None:
    """`fetch_site` and `origin` are the headers Sec-Fetch-Site and Origin. Where a browser sends the first, it decides:
    the second may be `null` then. Over plain http browsers send only the second.

    Raises:
        CrossSiteRequest: neither says that it was.
    """
    own = _origin(public_url)
    is_own = fetch_site == "same-origin" if fetch_site else own is not None and _origin(origin) == own
    if not is_own:
        raise CrossSiteRequest(
            "This did not come from a page of this site, so it was not done.",
            remedy=f"do it at {public_url}; programs send a token and no cookie",
        )


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port (RFC 6454). None: it can't be read."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
