"""The record of who changed what, when, from where. Written in the transaction of the change itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from slipway.models import AuditRecord


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `token:<name>`, `hook:<id>`, `host` or `platform: <reason>`; from which address, in which request."""

    name: str
    address: str = ""
    request_id: str = ""


HOST = Actor("host")
"""The command line on the host itself."""


def record(session: Session, tenant_id: int | None, actor: Actor, action: str, subject: str, **detail: Any) -> None:
    """Add one record, such as `app.create` of `shop`. No secret belongs in `detail`."""
    session.add(
        AuditRecord(
            tenant_id=tenant_id,
            actor=actor.name[:255],
            action=action,
            subject=subject[:255],
            address=actor.address,
            request_id=actor.request_id,
            detail=detail,
        )
    )
