"""Files that browsers keep: each under a name with its digest in it, so that a changed file has another address."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Response, request

from slipway.errors import NotFound

STATIC = Path(__file__).parent / "static"
PATH = "/assets/"
_DIGEST = 12
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_KINDS = {".css", ".js", ".svg"}
_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Opened by itself a file runs and loads nothing."""


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    """`console.3f9a1c2e77d0.css`."""
    content: bytes
    compressed: bytes
    """The edge compresses nothing of the console's host (decision 10), and these have no secrets."""
    media_type: str


def url_of(file: str) -> str:
    """The address of a file of `static/`. Raises `KeyError` when there is none."""
    return PATH + _by_file()[file].name


def respond(name: str) -> Response:
    """The file of that address.

    Raises:
        NotFound: no file has it (any more).
    """
    asset = _by_name().get(name)
    if asset is None:
        raise NotFound(
            "There is no such file; a newer version of the console may be running.", remedy="reload the page"
        )
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(asset.compressed if takes_gzip else asset.content, content_type=asset.media_type)
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = _FOR_A_YEAR
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@cache
def _by_file() -> dict[str, Asset]:
    """Read once in each process, when the first page needs them."""
    files = [path for path in sorted(STATIC.rglob("*")) if path.suffix in _KINDS]
    return {path.relative_to(STATIC).as_posix(): _asset(path) for path in files}


@cache
def _by_name() -> dict[str, Asset]:
    return {each.name: each for each in _by_file().values()}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST]
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    name = f"{path.stem}.{digest}{path.suffix}"
    return Asset(name, content, gzip.compress(content, 9, mtime=0), f"{media_type}; charset=utf-8")
