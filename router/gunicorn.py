"""How gunicorn runs the router: one process on a unix socket, loaded once, then forked.

Requests take `web_threads` threads at most; streams have their own beside them, so that following never makes the API
wait. A waiting thread costs little: the memory of a second process would cost more.
"""

from __future__ import annotations

import gc
from typing import Any

from router.services import FOLLOWERS, Services
from slipway import settings

_settings = settings.load()

bind = f"unix:{_settings.router_socket}"
umask = 0o007
worker_class = "gthread"
workers = 1
threads = _settings.web_threads + FOLLOWERS
preload_app = True
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
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """In the new process: as many streams as there are threads for, which end when the process is about to."""
    services: Services = worker.wsgi.extensions["slipway"]
    services.followers.limit = max(services.followers.limit, worker.cfg.threads - _settings.web_threads)
    services.followers.stopping = lambda: not worker.alive
