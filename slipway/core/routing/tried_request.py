"""A request that somebody tries at an app of theirs: what may be in it, and what it is as a command of curl.

It goes to the edge as any client's does. What is refused here is what would make it another's request, or another
request: a second request behind a line end, an address, who the client is, what holds between two neighbours alone.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from urllib.parse import unquote

from slipway.core.routing import client_headers
from slipway.errors import InvalidInput

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATH_MOST, HEADERS_MOST, HEADERS_CHARS_MOST, BODY_MOST_BYTES = 4096, 40, 8192, 64 << 10
NEIGHBOURS = frozenset(
    {
        *("connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""What says how two neighbours speak, or where the request goes: the panel writes it itself."""
OUR_COOKIES = "slipway"
"""Is in the name of every cookie of ours, however it is spelled."""
_SETS_ITSELF = frozenset({"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
"""Of what passes at the edge, what it sets: where the edge trusts this host as a proxy, it would believe a client's."""
_RESERVED = ".slipway"
"""A part of the path of the platform's own pages on apps' hosts."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_PATH = re.compile(r"/[!-\"$-~]*")


@dataclass(frozen=True, slots=True)
class TriedRequest:
    """Checked: only `read` makes one."""

    method: str
    path: str
    """With its query."""
    headers: tuple[tuple[str, str], ...]
    body: str


def read(method: str, path: str, headers: str, body: str) -> TriedRequest:
    """`headers` has one a line, as `Accept: text/html`.

    Raises:
        InvalidInput: one of them can't be sent, or may not be said by a client.
    """
    if method not in METHODS:
        raise InvalidInput(f"{method[:20]!r} is no method to try", remedy=f"methods are {', '.join(METHODS)}")
    if len(body.encode()) > BODY_MOST_BYTES:
        raise InvalidInput("the body is larger than 64 KB", remedy="send a larger one with curl")
    return TriedRequest(method, _path(path), tuple(_headers(headers)), body.replace("\r\n", "\n"))


def as_curl(request: TriedRequest, url: str) -> str:
    """The same as a command, with each part quoted for a shell, and nothing in it that curl would read as the name of
    a file. It has no session: curl is nobody's browser."""
    words = ["curl", "-i", "--globoff", "--path-as-is", *_method(request)]
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if request.body:
        says_type = any(name.lower() == "content-type" for name, _ in request.headers)
        words += [*([] if says_type else ["-H", "Content-Type:"]), "--data-raw", request.body]
    words.append(url.rstrip("/") + request.path)
    return " ".join(map(shlex.quote, words))


def _method(request: TriedRequest) -> list[str]:
    return ["--head"] if request.method == "HEAD" else ["-X", request.method]


def _path(path: str) -> str:
    if not _PATH.fullmatch(path) or len(path) > PATH_MOST:
        raise InvalidInput(
            "the path is no path of the app",
            remedy="begin it with /, without a host, and write what is no plain character percent-encoded (%20)",
        )
    if _RESERVED in _decoded(path).lower():
        raise InvalidInput("/.slipway/ is the platform's own, on every app's host", remedy="try a path of the app")
    return path


def _decoded(path: str) -> str:
    """As often as it can be decoded: whoever reads it, once or twice, reads one of these."""
    while (decoded := unquote(path, errors="replace")) != path:
        path = decoded
    return path


def _headers(text: str) -> list[tuple[str, str]]:
    lines = [line for line in re.split(r"\r?\n", text) if line.strip()]
    if len(lines) > HEADERS_MOST or len(text) > HEADERS_CHARS_MOST:
        raise InvalidInput(f"there are more than {HEADERS_MOST} headers, or more than 8 KB of them")
    return [_header(line) for line in lines]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not (colon and _NAME.fullmatch(name) and _VALUE.fullmatch(value)):
        raise InvalidInput(f"{line[:60]!r} is no header", remedy="write one a line, in ASCII, as Accept: text/html")
    small = name.lower()
    if small in NEIGHBOURS:
        raise InvalidInput(
            f"{name} is not for clients to choose here", remedy="leave it out: it is set as it has to be"
        )
    if client_headers.is_dropped(name) or small in _SETS_ITSELF:
        raise InvalidInput(
            f"no client can say {name}: the edge takes it out, or sets it itself",
            remedy="leave it out; docs/reference/edge-http.md lists such headers",
        )
    if small == "cookie" and OUR_COOKIES in value.lower():
        raise InvalidInput("Slipway's own cookies never go to an app", remedy="leave it out, and try it as yourself")
    return name, value.strip()
