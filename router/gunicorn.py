"""How gunicorn runs the router: one process on a unix socket, which loads the app itself (decision 15): nothing heavy
is imported here.

Requests take `web_threads` threads at most; streams have their own beside them, so that following never makes the API
wait. A waiting thread costs little: the memory of a second process would cost more.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from slipway import settings

if TYPE_CHECKING:
    from router.services import Services

FOLLOWERS = 32
"""Streams at a time in one process. Where no thread is kept for each they take at most half of the `web_threads`."""
_settings = settings.load()

bind = f"unix:{_settings.router_socket}"
umask = 0o007
worker_class = "gthread"
workers = 1
threads = _settings.web_threads + FOLLOWERS
keepalive = 75
graceful_timeout = 10
timeout = 30
limit_request_line = 8190
forwarded_allow_ips = ""
accesslog = None
errorlog = "-"
loglevel = "warning"


def pre_fork(_server: Any, _worker: Any) -> None:
    """What both processes have stays one copy in memory: the collector writes to what it looks at."""
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """In the new process: as many streams as there are threads for, which end when the process is about to."""
    services: Services = worker.wsgi.extensions["slipway"]
    services.followers.limit = max(services.followers.limit, worker.cfg.threads - _settings.web_threads)
    services.followers.stopping = lambda: not worker.alive
