"""What gunicorn loads: `gunicorn -c python:router.gunicorn router.wsgi:app`."""

from __future__ import annotations

from router.app import create_app
from router.by_socket import BySocket
from router.internal.app import create_internal_app
from router.services import connect
from slipway import logs, settings

_settings = settings.load()
logs.configure("router", _settings.log_level)
_services = connect(_settings)
app = BySocket(
    _services,
    api=create_app(_services),
    internal=create_internal_app(_services),
    internal_socket=_settings.router_internal_socket,
)
