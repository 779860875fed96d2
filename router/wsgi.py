"""What gunicorn loads: `gunicorn -c python:router.gunicorn router.wsgi:app`."""

from __future__ import annotations

from router.app import create_app
from router.services import connect
from slipway import logs, settings

_settings = settings.load()
logs.configure("router", _settings.log_level)
app = create_app(connect(_settings))
