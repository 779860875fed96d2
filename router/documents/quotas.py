"""What a tenant may use, and the plans that say so."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.document import Document, one_of
from router.documents.limits import Limit
from slipway.core.quota import quotas


class Quota(Document):
    name: str = Field(description=one_of(quotas.Quota))
    used: int | float = Field(description="Now; of build minutes in this month.")
    limit: int | float | None = Field(description="null: unlimited.")
    own: bool = Field(description="It was set for this tenant, and is not its plan's.")


class TenantQuota(Document):
    tenant: str
    plan: str
    quotas: list[Quota]
    month_ends_at: datetime = Field(description="When build minutes are counted from 0 again.")


class Plan(Document):
    name: str
    quotas: dict[str, int | float | str] = Field(description="Those that it says: a number, or unlimited.")
    limits: list[Limit] | None = Field(description="null: those of the plan default.")
    tenants: list[str]


class Plans(Document):
    plans: list[Plan]
