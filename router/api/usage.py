"""What was used, for charts and exports."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import AwareDatetime, Field

from router import documents
from router.access import principal, services
from router.api.operation import Query, listed, operation
from router.usecases.showing import usage
from router.usecases.showing.usage import Wanted
from slipway.core.access.roles import Role
from slipway.core.usage.periods import Step
from slipway.domain.usage.reading import By

blueprint = APIBlueprint("usage", __name__, tag="Usage")


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    JSON_LINES = "jsonl"


_EXPORTS = {
    Format.CSV: (usage.csv, "text/csv; charset=utf-8"),
    Format.JSON_LINES: (usage.json_lines, "application/jsonl; charset=utf-8"),
}


_CONTENT = tuple(media_type.partition(";")[0] for _, media_type in _EXPORTS.values())


class Asked(Query):
    from_: AwareDatetime | None = Field(
        default=None, alias="from", description="Such as 2026-11-30T08:00:00Z. The step that it lies in is the first."
    )
    to: AwareDatetime | None = Field(default=None, description="Else now.")
    step: Annotated[Step, listed(Step)] | None = Field(
        default=None, description="Else as suits the period. Minutes are kept for 7 days."
    )
    by: Annotated[By, listed(By)] = Field(
        default=By.NOTHING, description="A series for each; nothing: one of all together."
    )
    format: Annotated[Format, listed(Format)] = Field(
        default=Format.JSON, description="csv and jsonl have a row for each point."
    )

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.from_, self.to, self.step, self.by)


@operation(
    blueprint,
    "GET",
    "/api/usage",
    role=Role.VIEWER,
    query=Asked,
    output=documents.Usage,
    content=_CONTENT,
    failures=(429,),
)
def get_usage(query: Asked) -> documents.Usage | Response:
    """What all your apps used

    Also those that are deleted by now. Requests and bytes as edges count them, CPU, memory and network as replicas'
    containers do; the last seconds are not in it yet. docs/reference/usage.md says how it is counted.
    """
    return _answer(None, query)


@operation(
    blueprint,
    "GET",
    "/api/apps/<app>/usage",
    role=Role.VIEWER,
    query=Asked,
    output=documents.Usage,
    content=_CONTENT,
    failures=(429,),
)
def get_app_usage(app: str, query: Asked) -> documents.Usage | Response:
    """What an app used"""
    return _answer(app, query)


def _answer(app: str | None, query: Asked) -> documents.Usage | Response:
    if query.format is Format.JSON:
        return usage.usage(services(), principal(), app, query.wanted)
    export, media_type = _EXPORTS[query.format]
    return services().texts.text(
        principal(), lambda: export(services(), principal(), app, query.wanted), media_type=media_type
    )
