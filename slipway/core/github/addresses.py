"""GitHub's own pages and repositories, by the address of its API: of github.com, or of an Enterprise Server."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from slipway.core.naming import repository_twins

_API_HOST = "api."
_API_PATH = "/api/v3"
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def web_url(api: str) -> str:
    """Where people are sent: `https://github.com` for `https://api.github.com`, `https://x` for `https://x/api/v3`."""
    where = urlsplit(api.rstrip("/"))
    path = where.path.removesuffix(_API_PATH)
    host = where.netloc if path != where.path else where.netloc.removeprefix(_API_HOST)
    return f"{where.scheme}://{host}{path}"


def repository_at(api: str, repository_identity: str) -> tuple[str, str] | None:
    """Owner and name of a `host/owner/name` identity; None when that GitHub has no such repository."""
    host, _, path = repository_identity.partition("/")
    netloc = urlsplit(web_url(api)).netloc.lower()
    owner, slash, name = path.partition("/")
    if not slash or not repository_twins.are_same(f"{host}/", f"{netloc}/"):
        return None
    return (owner, name) if _SEGMENT.fullmatch(owner) and _SEGMENT.fullmatch(name) else None


def identity_at(api: str, full_name: str) -> str:
    """The identity of the repository `owner/name` there."""
    return f"{urlsplit(web_url(api)).netloc.lower()}/{full_name.lower()}"
