"""The agent's internal API, on a unix socket: replicas' output and how the agent is. Never reachable from outside."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import waitress
from flask import Flask, Response, jsonify, request

from builder.agent import output
from builder.agent.following import Followers, Watcher
from builder.agent.parts import REASON, Parts
from builder.agent.stats import replica_stats
from slipway.core.fleet import GONE
from slipway.errors import InvalidInput, NotFound, SlipwayError
from slipway.models import Replica

log = logging.getLogger(__name__)

THREADS = 32
TAIL_MAX = 10_000
CHECK_S = 2.0
"""How often a silent stream looks whether its reader is still there."""


def application(parts: Parts, status: Callable[[], dict[str, Any]]) -> Flask:
    """The WSGI application. `status` tells of the agent."""
    app = Flask("builder.agent")
    followers = Followers(parts.runtime)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(ok=True)

    @app.get("/status")
    def tell_status() -> Response:
        return jsonify(status())

    @app.get("/replicas/<replica_id>/output")
    def replica_output(replica_id: str) -> Response:
        lines = _lines(parts, followers, replica_id, tail=_tail(), follow=request.args.get("follow") in ("1", "true"))
        return Response(lines, mimetype="text/plain")

    @app.get("/replicas/<replica_id>/stats")
    def tell_stats(replica_id: str) -> Response:
        return jsonify(replica_stats(parts, replica_id))

    @app.errorhandler(SlipwayError)
    def problem(error: SlipwayError) -> tuple[Response, int]:
        answer = jsonify(error.problem())
        answer.mimetype = "application/problem+json"
        return answer, error.status

    return app


def serve(parts: Parts, status: Callable[[], dict[str, Any]]) -> Any:
    """Serve on `settings.agent_socket` in a thread of its own; returns waitress' server."""
    path = parts.settings.agent_socket
    path.unlink(missing_ok=True)
    server = waitress.create_server(
        application(parts, status),
        unix_socket=str(path),
        unix_socket_perms="660",
        threads=THREADS,
        channel_request_lookahead=1,  # tells when a reader has gone
        ident=None,
    )
    threading.Thread(target=server.run, name="internal-api", daemon=True).start()
    return server


def _tail() -> int | None:
    text = request.args.get("tail", "")
    if not text:
        return None
    if not text.isdecimal():
        raise InvalidInput("tail is not a number of lines", remedy="give it as tail=100")
    return min(int(text), TAIL_MAX)


def _lines(parts: Parts, followers: Followers, replica_id: str, *, tail: int | None, follow: bool) -> Iterator[bytes]:
    with parts.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
    if row is None:
        raise NotFound(f"there is no replica {replica_id}", remedy="see which there are: slipway ps --all")
    gone = _kept(parts, replica_id, tail)
    if row.container_id is None or row.state == GONE:
        return gone
    if not follow:
        return _started(parts.runtime.logs(row.container_id, tail=tail), gone)
    watcher, so_far = followers.follow(row.container_id, tail=tail)
    has_left = request.environ.get("waitress.client_disconnected", lambda: False)
    return _following(followers, row.container_id, watcher, _started(so_far, gone), has_left)


def _started(lines: Iterator[bytes], otherwise: Iterator[bytes]) -> Iterator[bytes]:
    """The first line is asked for now, while a missing container can still be answered otherwise."""
    try:
        first = next(lines)
    except StopIteration:
        return iter(())
    except NotFound:
        return otherwise
    return _joined(first, lines)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


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


def _kept(parts: Parts, replica_id: str, tail: int | None) -> Iterator[bytes]:
    lines = list(output.kept(parts.settings, replica_id))
    return iter(lines if tail is None else lines[max(0, len(lines) - tail) :])
