"""The Flask app."""

from __future__ import annotations

from flask import Flask

from slipway.adapters.redis.work_queue import WorkQueue
from slipway.adapters.vault import HOOKS, Vault
from slipway.db import Database
from slipway.errors import SlipwayError
from slipway.settings import Settings
from slipway.web.problems import Problems
from slipway.web.requests import RequestIds
from webhook import endpoint, health, request_log
from webhook.app_deliveries import AppDeliveries
from webhook.deliveries import Deliveries
from webhook.delivery_lock import DeliveryLock
from webhook.hook_authentication import HookAuthenticator

PROBLEMS = Problems(
    defect=SlipwayError("The delivery could not be taken: a defect, which is in the log.", remedy="try again"),
    retry_after_s=30,
)


def create_app(
    settings: Settings, database: Database, queue: WorkQueue, *, delivery_lock: DeliveryLock | None = None
) -> Flask:
    """Build the app. Opens no connection, so that it can be loaded before a server forks.

    Raises:
        SettingsError: the hooks' key file can't be read.
    """
    app = Flask("webhook", static_folder=None)
    # One byte more is read than is allowed: Werkzeug cuts a body without a Content-Length at its limit, silently.
    app.config["MAX_CONTENT_LENGTH"] = settings.delivery_max_bytes + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    secrets = Vault(settings.key_dir / HOOKS)
    deliveries = Deliveries(database, queue, delivery_lock or DeliveryLock())
    of_app = AppDeliveries(database, settings, secrets, deliveries)
    app.register_blueprint(endpoint.blueprint(HookAuthenticator(database, secrets), deliveries, of_app, settings))
    app.register_blueprint(health.blueprint(database))
    PROBLEMS.install(app)
    request_log.install(app)
    # A stranger's refusal is the same each time, in its headers too: the id stands in the log only.
    app.wsgi_app = RequestIds(app.wsgi_app, in_response=False)  # type: ignore[method-assign]
    return app
