"""Does the process run, and can it take deliveries?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from slipway import migrations
from slipway.db import Database
from slipway.errors import DependencyUnavailable


def blueprint(database: Database) -> Blueprint:
    """`/healthz` and `/readyz`. Redis is no part of being ready: deliveries are taken without it."""
    routes = Blueprint("health", __name__)
    needed = migrations.newest()

    @routes.get("/healthz")
    def healthy() -> Response:
        return jsonify(healthy=True)

    @routes.get("/readyz")
    def ready() -> Response:
        with database.read(platform="readiness") as session:
            found = migrations.current(session.connection())
        if found != needed:
            raise DependencyUnavailable(
                f"The database's schema is at {found or 'nothing'}; {needed} is needed.",
                remedy="run python -m slipway.migrations",
            )
        return jsonify(ready=True, schema=found)

    return routes
