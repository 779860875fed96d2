"""The app and environment that a pass is about, and the reason under which the agent reads all tenants' rows."""

from __future__ import annotations

from dataclasses import dataclass

REASON = "agent: compare desired and observed state"


@dataclass(frozen=True, slots=True)
class Scope:
    app_id: int
    tenant_id: int
    environment: str
