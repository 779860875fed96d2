"""Does the process run, and can it take deliveries?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from slipway import migrations
from slipway.db import Database
from slipway.web.readiness import require_schema


def blueprint(database: Database) -> Blueprint:
    """`/healthz` and `/readyz`. Redis is no part of being ready: deliveries are taken without it."""
    routes = Blueprint("health", __name__)
    needed = migrations.newest()

    @routes.get("/healthz")
    def healthy() -> Response:
        return jsonify(healthy=True)

    @routes.get("/readyz")
    def ready() -> Response:
        require_schema(database, needed)
        return jsonify(ready=True, schema=needed)

    return routes
