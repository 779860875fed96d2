"""A tenant's hooks as they are looked for: by words, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.hooks import show_hooks
from router.usecases.overviews.words import numbered_page
from slipway.models import Hook

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class FoundHooks:
    hooks: list[documents.Hook]
    """Those of the page."""
    page: int
    pages: int


def search_hooks(services: Services, principal: Principal, words: str, page: int) -> FoundHooks:
    """Those whose repository has each of the words, by name. A page beyond the last is the last."""
    has_words = [Hook.repository_identity.icontains(word, autoescape=True) for word in words.split()]
    with services.db.read(tenant_id=principal.tenant_id) as session:
        count = session.scalar(select(func.count(Hook.id)).where(*has_words)) or 0
        shown = numbered_page(count, page, PER_PAGE)
        query = select(Hook).where(*has_words).order_by(Hook.repository_identity, Hook.id)
        rows = session.scalars(query.limit(PER_PAGE).offset(shown.first)).all()
        return FoundHooks(show_hooks(services, session, rows), shown.number, shown.last)
