"""The Flask app."""

from __future__ import annotations

from flask import Flask

from slipway.adapters.redis.work_queue import WorkQueue
from slipway.adapters.vault import HOOKS, Vault
from slipway.db import Database
from slipway.settings import Settings
from webhook import endpoint, health, problems, tracing
from webhook.deliveries import Deliveries
from webhook.hook_authentication import HookAuthenticator


def create_app(settings: Settings, database: Database, queue: WorkQueue) -> Flask:
    """Build the app. Opens no connection, so that it can be loaded before a server forks.

    Raises:
        SettingsError: the hooks' key file can't be read.
    """
    app = Flask("webhook", static_folder=None)
    # One byte more is read than is allowed: Werkzeug cuts a body without a Content-Length at its limit, silently.
    app.config["MAX_CONTENT_LENGTH"] = settings.delivery_max_bytes + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    authenticator = HookAuthenticator(database, Vault(settings.key_dir / HOOKS))
    app.register_blueprint(endpoint.blueprint(authenticator, Deliveries(database, queue), settings))
    app.register_blueprint(health.blueprint(database))
    problems.install(app)
    tracing.install(app)
    return app
