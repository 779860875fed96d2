"""The agent's internal API, on a unix socket: output and stats of replicas, volumes' sizes, branch heads, how it is.

Never reachable from outside. What goes on for as long as somebody reads has a socket and threads of its own
(`stream_server`).
"""

from __future__ import annotations

import json
import logging
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

from builder.agent.dependencies import REASON, Dependencies
from builder.agent.rollout.crashes import output_notes
from builder.agent.telemetry import output
from builder.agent.telemetry.following import replica_row
from builder.agent.telemetry.stats import replica_stats
from builder.agent.telemetry.volume_sizes import VolumeSizes
from slipway.core.rollout.fleet import GONE
from slipway.errors import DependencyUnavailable, InvalidInput, NotFound, SlipwayError, TooManyCalls
from slipway.models import Replica

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

THREADS = 32
HEADS_AT_ONCE = 4
"""Each waits for a repository's host, which may take as long as git waits."""
TAIL_MAX = 10_000
_HEAD = re.compile(r"/apps/(?P<id>\d{1,18})/head")
_OF_A_REPLICA = re.compile(r"/replicas/(?P<id>[^/]+)/(?P<what>output|stats)")


@dataclass(frozen=True, slots=True)
class Answer:
    body: Iterable[bytes]
    media_type: str = "application/json"
    status: int = HTTPStatus.OK


class Application:
    """The WSGI application. `status` tells of the agent, `head_of` which commit an app's branch is at. Without a
    framework, which would be a tenth of the agent."""

    def __init__(
        self, dependencies: Dependencies, status: Callable[[], dict[str, Any]], head_of: Callable[[int], str | None]
    ) -> None:
        self._dependencies = dependencies
        self._status = status
        self._head_of = head_of
        self._heads = threading.BoundedSemaphore(HEADS_AT_ONCE)
        sizes = VolumeSizes(dependencies.runtime.volume_sizes)
        self._of_itself: dict[str, Callable[[], dict[str, Any]]] = {
            "/healthz": lambda: {"ok": True},
            "/readyz": self._ready,
            "/status": status,
            "/volumes": lambda: {"sizes": dict(sizes.now())},
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
        if of_an_app := _HEAD.fullmatch(path):
            return Answer(_json({"commit": self._head(int(of_an_app["id"]))}))
        asked = _OF_A_REPLICA.fullmatch(path)
        if asked is None:
            return Answer((), status=HTTPStatus.NOT_FOUND)
        if asked["what"] == "stats":
            return Answer(_json(replica_stats(self._dependencies, asked["id"])))
        return Answer(self._output(asked["id"], environ), "text/plain; charset=utf-8")

    def _head(self, app_id: int) -> str | None:
        """Raises `TooManyCalls` when as many repositories are asked as may be: other calls want threads, too."""
        if not self._heads.acquire(blocking=False):
            raise TooManyCalls(f"{HEADS_AT_ONCE} repositories are being asked.", remedy="try again")
        try:
            return self._head_of(app_id)
        finally:
            self._heads.release()

    def _ready(self) -> dict[str, Any]:
        """Raises `DependencyUnavailable` while something that it needs is away."""
        if away := sorted(self._status()["away"]):
            raise DependencyUnavailable(
                f"Failing, and tried again: {', '.join(away)}.", remedy="the agent's log says what does not answer"
            )
        return {"ready": True}

    def _output(self, replica_id: str, environ: WSGIEnvironment) -> Iterator[bytes]:
        return _lines(self._dependencies, replica_id, tail_of(parse_qs(environ["QUERY_STRING"])))


def serve(
    dependencies: Dependencies, status: Callable[[], dict[str, Any]], head_of: Callable[[int], str | None]
) -> Any:
    """Serve on `settings.agent_socket` in a thread of its own; returns waitress' server."""
    path = dependencies.settings.agent_socket
    path.unlink(missing_ok=True)
    server = waitress.create_server(
        Application(dependencies, status, head_of),
        unix_socket=str(path),
        unix_socket_perms="660",
        threads=THREADS,
        ident=None,
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


def _lines(dependencies: Dependencies, replica_id: str, tail: int | None) -> Iterator[bytes]:
    """The lines so far."""
    row = replica_row(dependencies, replica_id)
    if row.container_id is None or row.state == GONE:
        return _end(output.kept(dependencies.settings, replica_id), tail)
    return _with_earlier(dependencies, row, dependencies.runtime.logs(row.container_id, tail=tail), tail)


def _with_earlier(
    dependencies: Dependencies, row: Replica, lines: Iterator[bytes], tail: int | None
) -> Iterator[bytes]:
    """What is kept of the replica's earlier containers, then the lines of the recorded one with what became of it. The
    first line is asked for now, while a missing container can still be answered with what is kept."""
    earlier = list(output.kept(dependencies.settings, row.id))
    try:
        first = list(islice(lines, 1))
    except NotFound:
        return _end(earlier, tail)
    with dependencies.db.read(platform=REASON) as session:
        notes = output_notes(session, row, dependencies.clock())
    printed = output.with_notes(chain(first, lines), notes)
    return _end(output.joined(earlier, printed), tail)


def _end(lines: Iterable[bytes], tail: int | None) -> Iterator[bytes]:
    return iter(lines) if tail is None else iter(deque(lines, maxlen=tail))
