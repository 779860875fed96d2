"""The people who signed in, as the database remembers them: their login and e-mail, and when they were last seen."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from router.services import Services
from slipway.core.identity.claims import Person
from slipway.errors import DependencyUnavailable
from slipway.models import User, now

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=1)
"""A person is written no more often, so that a read stays one."""
MOST_REMEMBERED = 10_000
_lock = threading.Lock()
_written: OrderedDict[tuple[str, str], float] = OrderedDict()
"""By installation and `sub`: when this process last wrote the person, by a clock that does not jump."""


def record(services: Services, person: Person) -> None:
    """Not being able to is no reason to refuse somebody."""
    if not _is_due(services.settings.database_url, person.sub):
        return
    try:
        _write(services, person)
    except DependencyUnavailable as error:
        log.warning("a person was not recorded", extra={"login": person.login, "why": error.message})
    except IntegrityError:
        log.debug("another process has just recorded the person", extra={"login": person.login})


def _is_due(database: str, sub: str) -> bool:
    key, at = (database, sub), time.monotonic()
    with _lock:
        if at - _written.get(key, float("-inf")) < EVERY.total_seconds():
            return False
        _written[key] = at
        _written.move_to_end(key)
        while len(_written) > MOST_REMEMBERED:
            _written.popitem(last=False)
    return True


def _write(services: Services, person: Person) -> None:
    at = now()
    values = {"login": person.login, "email": person.email, "seen_at": at}
    with services.db.write(platform="record who was seen") as session:
        is_due = or_(User.seen_at.is_(None), User.seen_at <= at - EVERY)
        session.execute(update(User).where(User.sub == person.sub, is_due).values(**values))
        if session.scalar(select(User.id).where(User.sub == person.sub)) is None:
            session.add(User(sub=person.sub, **values))
