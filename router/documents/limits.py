"""Limits on callers' requests, and whom they refused."""

from __future__ import annotations

from typing import get_args

from pydantic import Field

from router.documents.document import Document, one_of
from slipway.core.app_settings.limits import By

SCOPES = ("app", "tenant", "plan")


class Limit(Document):
    """Requests in a time (`requests`, `per_s`), or at one time (`at_once`). `scope` says whose limit it is, `by` whose
    requests count together."""

    name: str
    scope: str = Field(description=one_of(SCOPES))
    requests: int | None
    per_s: int | None
    at_once: int | None
    by: str = Field(description=one_of(get_args(By)))
    dry_run: bool = Field(description="It refuses nobody; what it would have refused is counted.")


class RefusedCaller(Document):
    limit: str
    scope: str = Field(description=one_of(SCOPES))
    caller: str = Field(description="An address, `token NAME`, `user LOGIN`, or all.")
    requests: int = Field(description="That the limit refused, or would have refused.")


class Limits(Document):
    limits: list[Limit]


class AppLimits(Limits):
    refused: list[RefusedCaller] | None = Field(
        description="The callers with the most, in this hour and the one before; null while Redis does not answer."
    )


class ChangedLimits(Limits):
    notices: list[str] = Field(description="What else it means, each with what to do about it.")
