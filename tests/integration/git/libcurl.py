"""The URL parser of the library by which git speaks HTTP (libcurl's URL API), for comparing what two parsers read."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

LIBRARY = "libcurl-gnutls.so.4"
_URL, _SCHEME, _HOST, _PORT, _PATH = 0, 1, 5, 6, 7
_USER, _QUERY, _FRAGMENT = 2, 8, 9
_WITH_DEFAULT_PORT = 1


@dataclass(frozen=True)
class Read:
    """What curl connects to, and asks for; None for a part that is not there."""

    scheme: str | None
    host: str | None
    port: str | None
    path: str | None
    others: tuple[str | None, ...]


def read(url: str) -> Read | None:
    """None: no URL to curl."""
    curl = ctypes.CDLL(LIBRARY)
    curl.curl_url.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(curl.curl_url())
    try:
        if curl.curl_url_set(handle, _URL, ctypes.c_char_p(url.encode()), 0):
            return None
        parts = [_part(curl, handle, part) for part in (_SCHEME, _HOST, _PORT, _PATH)]
        return Read(*parts, tuple(_part(curl, handle, part) for part in (_USER, _QUERY, _FRAGMENT)))
    finally:
        curl.curl_url_cleanup(handle)


def _part(curl: ctypes.CDLL, handle: ctypes.c_void_p, part: int) -> str | None:
    found = ctypes.c_char_p()
    if curl.curl_url_get(handle, part, ctypes.byref(found), _WITH_DEFAULT_PORT):
        return None
    value = (found.value or b"").decode()
    curl.curl_free(found)
    return value
