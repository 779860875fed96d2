"""The audit log."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Query, operation
from router.usecases.access import audit_log
from router.usecases.finding import NUMBER_MAX
from slipway.core.access.roles import Role

blueprint = APIBlueprint("audit", __name__, tag="Audit")


class AuditSearch(Query):
    words: Annotated[str, Field(max_length=200)] = Field(
        default="", description="Each has to be in an entry's actor, action, subject, address or request."
    )
    before: Annotated[int, Field(ge=1, le=NUMBER_MAX)] | None = Field(
        default=None, description="Only older entries than that of this id."
    )
    limit: Annotated[int, Field(ge=1, le=audit_log.LIMIT_MOST)] = 50


@operation(blueprint, "GET", "/api/audit", role=Role.OWNER, query=AuditSearch, output=documents.AuditLog)
def search_audit(query: AuditSearch) -> documents.AuditLog:
    """Who changed what in the tenant, the newest first"""
    asked = audit_log.AuditQuery(query.words, query.before, query.limit)
    return audit_log.search_audit(services(), principal(), asked)
