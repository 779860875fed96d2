"""The agent's internal API, on a unix socket: replicas' output, probes and stats,
volumes' sizes, branch heads, own status.

Never reachable from outside. A stream, which lasts for as long as somebody reads it, has another socket and threads of
its own (`stream_server`).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import waitress

from slipway.errors import DependencyUnavailable, InvalidInput, SlipwayError, TooManyCalls

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

THREADS = 32
HEADS_AT_ONCE = 4
"""Each waits for a repository's host, which may take as long as git waits."""
TAIL_MAX = 10_000
_HEAD = re.compile(r"/apps/(?P<id>\d{1,18})/head")
_OF_A_REPLICA = re.compile(r"/replicas/(?P<id>[^/]+)/(?P<what>output|probe|stats)")


@dataclass(frozen=True, slots=True)
class Calls:
    """What the API is answered from. Each may raise `SlipwayError`."""

    status: Callable[[], dict[str, Any]]
    """Of the agent."""
    head_of: Callable[[int], str | None]
    """App's id → the commit that its branch is at."""
    output: Callable[[str, int | None], Iterable[bytes]]
    """Replica's id, lines of the tail → its lines so far."""
    stats: Callable[[str], dict[str, Any]]
    """Replica's id → what it uses."""
    last_probe: Callable[[str], dict[str, Any] | None]
    """Replica's id → how its last probe went; None: it is not probed now."""
    volume_sizes: Callable[[], Mapping[str, int]]
    """Volume → bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    body: Iterable[bytes]
    media_type: str = "application/json"
    status: int = HTTPStatus.OK


class Application:
    """The WSGI application. Without a framework, whose memory would be a tenth of the agent's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._heads = threading.BoundedSemaphore(HEADS_AT_ONCE)
        self._documents: dict[str, Callable[[], dict[str, Any]]] = {
            "/healthz": lambda: {"ok": True},
            "/readyz": self._ready,
            "/status": calls.status,
            "/volumes": lambda: {"sizes": dict(calls.volume_sizes())},
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except SlipwayError as error:
            answer = Answer(_json(error.problem()), "application/problem+json", error.status)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", [("Content-Type", answer.media_type)])
        return answer.body

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if environ["REQUEST_METHOD"] != "GET":
            return Answer((), status=HTTPStatus.METHOD_NOT_ALLOWED)
        path = environ["PATH_INFO"]
        if path in self._documents:
            return Answer(_json(self._documents[path]()))
        if of_an_app := _HEAD.fullmatch(path):
            return Answer(_json({"commit": self._head(int(of_an_app["id"]))}))
        of_a_replica = _OF_A_REPLICA.fullmatch(path)
        if of_a_replica is None:
            return Answer((), status=HTTPStatus.NOT_FOUND)
        return self._of_replica(of_a_replica["id"], of_a_replica["what"], parse_qs(environ["QUERY_STRING"]))

    def _of_replica(self, replica_id: str, what: str, query: Mapping[str, Sequence[str]]) -> Answer:
        if what == "stats":
            return Answer(_json(self._calls.stats(replica_id)))
        if what == "probe":
            return Answer(_json({"probe": self._calls.last_probe(replica_id)}))
        return Answer(self._calls.output(replica_id, tail_of(query)), "text/plain; charset=utf-8")

    def _head(self, app_id: int) -> str | None:
        """Raises `TooManyCalls` when as many repositories are asked as may be: other calls need threads, too."""
        if not self._heads.acquire(blocking=False):
            raise TooManyCalls(f"{HEADS_AT_ONCE} repositories are being asked.", remedy="try again")
        try:
            return self._calls.head_of(app_id)
        finally:
            self._heads.release()

    def _ready(self) -> dict[str, Any]:
        """Raises `DependencyUnavailable` while something that the agent needs does not answer."""
        if failing := sorted(self._calls.status()["failing"]):
            raise DependencyUnavailable(
                f"Failing, and tried again: {', '.join(failing)}.", remedy="the agent's log says what does not answer"
            )
        return {"ready": True}


def serve(socket: Path, calls: Calls) -> Any:
    """Serve in a thread of its own; returns waitress' server."""
    socket.unlink(missing_ok=True)
    server = waitress.create_server(
        Application(calls), unix_socket=str(socket), unix_socket_perms="660", threads=THREADS, ident=None
    )
    threading.Thread(target=server.run, name="internal-api", daemon=True).start()
    return server


def _json(value: object) -> tuple[bytes]:
    return (json.dumps(value).encode() + b"\n",)


def tail_of(query: Mapping[str, Sequence[str]]) -> int | None:
    """How many lines are asked for; None: all."""
    text = query.get("tail", [""])[0]
    if not text:
        return None
    if not text.isdecimal():
        raise InvalidInput("tail is not a number of lines", remedy="give it as tail=100")
    return min(int(text), TAIL_MAX)
