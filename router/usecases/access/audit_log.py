"""The tenant's audit log, read by its owners."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, or_, select

from router import documents
from router.principal import Principal
from router.services import Services
from slipway.models import AuditRecord

LIMIT_MOST = 200


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Each word has to be in an entry's actor, action, subject, address or request."""

    words: str = ""
    before: int | None = None
    """Only entries older than the one of this id."""
    limit: int = 50


def search_audit(services: Services, principal: Principal, query: AuditQuery) -> documents.AuditLog:
    limit = min(query.limit, LIMIT_MOST)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = session.scalars(_matching(principal.tenant_id, query).limit(limit + 1)).all()
        entries = [_shown(row) for row in found[:limit]]
    return documents.AuditLog(entries=entries, older=entries[-1].id if len(found) > limit else None)


def _matching(tenant_id: int, query: AuditQuery) -> Select[AuditRecord]:
    """Records also outlive their tenant, so sessions do not filter them by their scope on every database."""
    wanted = select(AuditRecord).where(AuditRecord.tenant_id == tenant_id).order_by(AuditRecord.id.desc())
    if query.before is not None:
        wanted = wanted.where(AuditRecord.id < query.before)
    searched = (
        AuditRecord.actor,
        AuditRecord.action,
        AuditRecord.subject,
        AuditRecord.address,
        AuditRecord.request_id,
    )
    for word in query.words.split()[:8]:
        wanted = wanted.where(or_(*(column.icontains(word, autoescape=True) for column in searched)))
    return wanted


def _shown(row: AuditRecord) -> documents.AuditEntry:
    return documents.AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        address=row.address,
        request_id=row.request_id,
        detail=row.detail,
    )
