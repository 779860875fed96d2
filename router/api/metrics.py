"""What the edges count, and where they lead."""

from __future__ import annotations

from apiflask import APIBlueprint

from router import documents
from router.access import principal, services
from router.api.operation import operation
from router.usecases import metrics
from router.usecases.showing import mappings
from slipway.core.access.roles import Role

blueprint = APIBlueprint("traffic", __name__, tag="Traffic")


@operation(blueprint, "GET", "/api/metrics", role=Role.VIEWER, output=documents.Metrics)
def get_metrics() -> documents.Metrics:
    """What the edges counted of each app

    Since each edge began to count; rates are over its last ten seconds. A platform's Prometheus asks the edges
    themselves.
    """
    return metrics.tenant_metrics(services(), principal())


@operation(blueprint, "GET", "/api/mappings", role=Role.VIEWER, output=documents.Mappings)
def list_mappings() -> documents.Mappings:
    """Host to app to replicas, with their addresses"""
    return mappings.list_mappings(services(), principal())
