"""The agent's internal API, on a unix socket: replicas' output and how the agent is. Never reachable from outside."""

from __future__ import annotations

import json
import logging
import queue
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import waitress

from builder.agent.parts import REASON, Parts
from builder.agent.rollout.crashes import output_notes
from builder.agent.telemetry import output
from builder.agent.telemetry.following import Followers, Watcher
from builder.agent.telemetry.stats import replica_stats
from slipway.core.fleet import GONE
from slipway.errors import DependencyUnavailable, InvalidInput, NotFound, SlipwayError
from slipway.models import Replica

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

THREADS = 32
TAIL_MAX = 10_000
CHECK_S = 2.0
"""How often a silent stream looks whether its reader is still there."""
_OF_A_REPLICA = re.compile(r"/replicas/(?P<id>[^/]+)/(?P<what>output|stats)")


@dataclass(frozen=True, slots=True)
class Answer:
    body: Iterable[bytes]
    media_type: str = "application/json"
    status: int = HTTPStatus.OK


class Application:
    """The WSGI application. `status` tells of the agent. Without a framework, which would be a tenth of the agent."""

    def __init__(self, parts: Parts, status: Callable[[], dict[str, Any]]) -> None:
        self._parts = parts
        self._status = status
        self._followers = Followers(parts.runtime)
        self._of_itself: dict[str, Callable[[], dict[str, Any]]] = {
            "/healthz": lambda: {"ok": True},
            "/readyz": self._ready,
            "/status": status,
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
        if path in self._of_itself:
            return Answer(_json(self._of_itself[path]()))
        asked = _OF_A_REPLICA.fullmatch(path)
        if asked is None:
            return Answer((), status=HTTPStatus.NOT_FOUND)
        if asked["what"] == "stats":
            return Answer(_json(replica_stats(self._parts, asked["id"])))
        return Answer(self._output(asked["id"], environ), "text/plain; charset=utf-8")

    def _ready(self) -> dict[str, Any]:
        """Raises `DependencyUnavailable` while something that it needs is away."""
        if away := sorted(self._status()["away"]):
            raise DependencyUnavailable(
                f"Failing, and tried again: {', '.join(away)}.", remedy="the agent's log says what does not answer"
            )
        return {"ready": True}

    def _output(self, replica_id: str, environ: WSGIEnvironment) -> Iterator[bytes]:
        query = parse_qs(environ["QUERY_STRING"])
        tail, follow = _tail(query), query.get("follow", [""])[0] in ("1", "true")
        has_left = environ.get("waitress.client_disconnected", lambda: False)
        return _lines(self._parts, self._followers, replica_id, tail=tail, has_left=has_left if follow else None)


def serve(parts: Parts, status: Callable[[], dict[str, Any]]) -> Any:
    """Serve on `settings.agent_socket` in a thread of its own; returns waitress' server."""
    path = parts.settings.agent_socket
    path.unlink(missing_ok=True)
    server = waitress.create_server(
        Application(parts, status),
        unix_socket=str(path),
        unix_socket_perms="660",
        threads=THREADS,
        channel_request_lookahead=1,  # tells when a reader has gone
        ident=None,
    )
    threading.Thread(target=server.run, name="internal-api", daemon=True).start()
    return server


def _json(value: object) -> tuple[bytes]:
    return (json.dumps(value).encode() + b"\n",)


def _tail(query: Mapping[str, Sequence[str]]) -> int | None:
    text = query.get("tail", [""])[0]
    if not text:
        return None
    if not text.isdecimal():
        raise InvalidInput("tail is not a number of lines", remedy="give it as tail=100")
    return min(int(text), TAIL_MAX)


def _lines(
    parts: Parts, followers: Followers, replica_id: str, *, tail: int | None, has_left: Callable[[], bool] | None
) -> Iterator[bytes]:
    """The lines so far; with `has_left` (has the reader?) those to come, too."""
    with parts.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
    if row is None:
        raise NotFound(f"there is no replica {replica_id}", remedy="see which there are: slipway ps --all")
    if row.container_id is None or row.state == GONE:
        return _end(output.kept(parts.settings, replica_id), tail)
    if has_left is None:
        return _with_earlier(parts, row, parts.runtime.logs(row.container_id, tail=tail), tail)
    watcher, so_far = followers.follow(row.container_id, tail=tail)
    so_far = _with_earlier(parts, row, so_far, tail)
    return _with_end(parts, row, _following(followers, row.container_id, watcher, so_far, has_left))


def _with_earlier(parts: Parts, row: Replica, lines: Iterator[bytes], tail: int | None) -> Iterator[bytes]:
    """What is kept of the replica's earlier containers, then the lines of the recorded one with what became of it. The
    first line is asked for now, while a missing container can still be answered with what is kept."""
    earlier = list(output.kept(parts.settings, row.id))
    try:
        first = list(islice(lines, 1))
    except NotFound:
        return _end(earlier, tail)
    printed = output.with_notes(chain(first, lines), _notes(parts, row))
    return _end(output.joined(earlier, printed), tail)


def _with_end(parts: Parts, row: Replica, lines: Iterator[bytes]) -> Iterator[bytes]:
    """When following ended because the container did, how it ended."""
    last = b""
    for line in lines:
        last = line
        yield line
    with parts.db.read(platform=REASON) as session:
        found = session.get(Replica, row.id)
    if found is not None and found.container_id == row.container_id:
        yield from (note for note in _notes(parts, found) if note.partition(b" ")[0] > last.partition(b" ")[0])


def _notes(parts: Parts, row: Replica) -> list[bytes]:
    with parts.db.read(platform=REASON) as session:
        return output_notes(session, row, parts.clock())


def _end(lines: Iterable[bytes], tail: int | None) -> Iterator[bytes]:
    return iter(lines) if tail is None else iter(deque(lines, maxlen=tail))


def _following(
    followers: Followers, container_id: str, watcher: Watcher, so_far: Iterator[bytes], has_left: Callable[[], bool]
) -> Iterator[bytes]:
    last = b""
    try:
        for line in so_far:
            last = line.partition(b" ")[0]
            yield line
        while not has_left():
            try:
                line_or_end = watcher.lines.get(timeout=CHECK_S)
            except queue.Empty:
                continue
            if line_or_end is None:
                return
            if line_or_end.partition(b" ")[0] > last:
                yield line_or_end
    finally:
        followers.leave(container_id, watcher)
