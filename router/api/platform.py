"""The platform itself: its services' health, its API's description, and the console host's first page."""

from __future__ import annotations

from typing import Any, cast

from apiflask import APIBlueprint, APIFlask
from flask import Response, current_app, json

from router import documents
from router.access import services
from router.api.operation import operation
from router.usecases import system
from slipway.core.access.roles import Role
from slipway.web.readiness import require_schema

blueprint = APIBlueprint("platform", __name__, tag="Platform")
REVISION = "SLIPWAY_REVISION"
"""App configuration: the schema's revision that this code needs."""


@operation(blueprint, "GET", "/api/services/system", role=Role.VIEWER, output=documents.System)
def get_system() -> documents.System:
    """How the platform's services are"""
    return system.system_health(services())


@operation(blueprint, "GET", "/healthz", output=documents.Status)
def get_liveness() -> documents.Status:
    """This process answers"""
    return documents.Status(status="ok")


@operation(blueprint, "GET", "/readyz", output=documents.Status)
def get_readiness() -> documents.Status:
    """This process can do its work"""
    require_schema(services().db, current_app.config[REVISION])
    return documents.Status(status="ok")


@operation(blueprint, "GET", "/api/openapi.json", content=("application/json",))
def get_openapi() -> Response:
    """This document"""
    document: Any = cast("APIFlask", current_app)._get_spec("json")  # the cached one: `spec` makes it anew each time
    return Response(json.dumps(document), content_type="application/json")
