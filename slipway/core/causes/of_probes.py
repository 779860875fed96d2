"""Why nothing answered a probe as it should: by the container's sockets, and by the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from slipway.core.causes.table import Cause
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.listeners import Listener

_LISTENS = re.compile(
    r"(?:listening|running|serving|started|bound|bind)[^\n]{0,60}?"
    r"(127\.0\.0\.1|localhost|\[::1\]|0\.0\.0\.0|\*|\[::\]|port)[: ]+(\d{2,5})\b",
    re.IGNORECASE,
)
_UNIX_SOCKET = re.compile(r"(?:listening|running|serving|bound)[^\n]{0,40}?unix:(/[^\s(]+)", re.IGNORECASE)
_ADDRESSES = {"localhost": "127.0.0.1", "[::1]": "::1", "[::]": "::", "*": "0.0.0.0", "port": "0.0.0.0"}  # noqa: S104
_NO_HTTP = "slipway apps set health=tcp"


def slow_start(timeout_s: float) -> str:
    """What gives a start more time than it had."""
    longer = max(60, round(timeout_s * 4))
    return f"if it only starts slowly (it had {timeout_s:g} s): slipway apps set timeouts.probe_s={longer}"


def of_refused(port: int, listeners: Sequence[Listener], timeout_s: float) -> Cause:
    """Nothing took the connection. `listeners`: what listens in the container at all."""
    all_hosts = f"let it listen on 0.0.0.0, port {port} ($PORT)"
    if not listeners:
        return Cause("nothing in its container listens on any port", f"{all_hosts}\n{slow_start(timeout_s)}")
    open_ports = sorted({each.port for each in listeners if not each.is_local})
    if port in open_ports:
        return Cause(f"it listens on port {port} by now, which was too late", slow_start(timeout_s))
    same = [each for each in listeners if each.port == port]
    if same:
        return Cause(f"it listens on {same[0]} only, which nothing outside its container can reach", all_hosts)
    if open_ports:
        where = " and ".join(map(str, open_ports[:3]))
        return Cause(
            f"it listens on port {where}, not on {port} ($PORT)",
            f"let it read $PORT\nor have the other one asked: slipway apps set port={open_ports[0]}",
        )
    return Cause(f"it listens on {listeners[0]} only, which nothing outside its container can reach", all_hosts)


def said_listeners(printed: str) -> list[Listener]:
    """Where it says itself that it listens, last of all: for when its sockets can't be seen."""
    heard = list(_LISTENS.finditer(printed))
    if not heard:
        return []
    address = heard[-1][1].lower()
    return [Listener(_ADDRESSES.get(address, address), int(heard[-1][2]))]


def of_unix_socket(printed: str, port: int) -> Cause | None:
    """Does it say that it listens on a file alone?"""
    found = _UNIX_SOCKET.search(printed)
    remedy = f"let it listen on 0.0.0.0, port {port} ($PORT)"
    return Cause(f"it listens on the unix socket {found[1]}, and on no port", remedy) if found else None


def of_answer(error: ProbeError, timeout_s: float) -> Cause | None:
    """A connection was taken, and got no answer or not a good one."""
    match error.cause:
        case ProbeCause.BAD_STATUS:
            return _of_status(error.path, error.status)
        case ProbeCause.NOT_HTTP:
            return Cause(
                "it speaks another protocol, or HTTPS, where the edge ends TLS",
                f"let it speak HTTP without TLS\nif it is another protocol: {_NO_HTTP}",
            )
        case ProbeCause.NO_ANSWER:
            return Cause(
                "it waits for something itself, or takes longer over its first request",
                f"see in its output what it waits for\n{slow_start(timeout_s)}\nif it speaks no HTTP: {_NO_HTTP}",
            )
        case ProbeCause.CLOSED:
            return Cause("it drops what is sent to it", f"see in its output why\nif it speaks no HTTP: {_NO_HTTP}")
    return None


_BY_STATUS: dict[int, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: (
        "the app takes the request for {path} as malformed: some frameworks do, of a host that they do not know",
        "let it know the app's hosts (slipway domains)",
    ),
    HTTPStatus.UNAUTHORIZED: ("the app refuses {path}: a probe brings no login", "let it answer without one"),
    HTTPStatus.FORBIDDEN: ("the app refuses {path}: a probe brings no login", "let it answer without one"),
    HTTPStatus.NOT_FOUND: ("the app has nothing at {path}", "let it answer there"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("the app takes no GET at {path}", "let it answer one"),
    HTTPStatus.GONE: ("the app has nothing at {path} any more", "let it answer there"),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "the app counts the probes of {path} as too many requests",
        "leave User-Agent slipway-probe out of its limit",
    ),
}
_FAILS = ("the app runs, but fails at {path}", "its output says why: fix it and push again")
_OTHER_STATUS = ("the app answers {path} with {status}, which is neither 2xx nor 3xx", "let it answer with 2xx")


def _of_status(path: str, status: int) -> Cause:
    other = _FAILS if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _OTHER_STATUS
    sentence, remedy = _BY_STATUS.get(status, other)
    another = "or have another path asked: slipway apps set health_path=/…"
    return Cause(sentence.format(path=path, status=status), f"{remedy}\n{another}")
