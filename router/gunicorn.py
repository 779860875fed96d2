"""How gunicorn runs the router: one process on two unix sockets, which loads the apps itself (decision 15): nothing
heavy is imported here. `router.wsgi` says which app answers on which socket.

Calls take `web_threads` threads. Each stream has one of its own beside them, and so has the page that follows it, which
may wait until it is rendered, and each terminal: none of them makes the API wait. Threads are made when they are
needed, and a waiting one costs little: the memory of a second process would cost more. With one process the bounds on
streams are the host's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway import settings
from slipway.core.access.stream_quota import TERMINALS_AT_ONCE
from slipway.web import forking, served
from slipway.web.forking import pre_fork

if TYPE_CHECKING:
    from router.services import Services

__all__ = ["post_worker_init", "pre_fork"]

_settings = settings.load()

bind = [f"unix:{_settings.router_socket}", f"unix:{_settings.router_internal_socket}"]
umask = 0o007
worker_class = served.Worker
workers = 1
threads = _settings.web_threads + 2 * _settings.streams + TERMINALS_AT_ONCE
worker_connections = 1000 + threads
keepalive = 75
graceful_timeout = 10
timeout = 30
limit_request_line = served.REQUEST_LINE_BYTES
limit_request_field_size = served.HEADER_BYTES
limit_request_fields = served.HEADERS
forwarded_allow_ips = ""
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """In the new process: streams end when it is about to, and what happens at the identity provider is followed."""
    from router.identity import follower as identity_follower  # noqa: PLC0415  the app has been loaded by now

    services: Services = worker.wsgi.services
    services.followers.stopping = lambda: not worker.alive
    identity_follower.start(services, services.followers.stopping)
    forking.post_worker_init(worker)
