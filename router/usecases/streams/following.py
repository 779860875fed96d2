"""A deployment as it moves on, and its log as it is written, as server-sent events."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.streams.followers import HEARTBEAT, HEARTBEAT_S, LIFETIME_S, event
from router.usecases.finding import deployment_numbered
from router.usecases.showing_deployments import show_deployment
from slipway.core.deployment.states import ENDED, State
from slipway.core.text.rewritten_lines import as_seen
from slipway.errors import DependencyUnavailable
from slipway.models import Deployment

log = logging.getLogger(__name__)
POLL_S = 0.2
_POSITION = re.compile(r"\d{1,20}-\d{1,20}")
_START = "0-0"


def deployment_events(services: Services, principal: Principal, number: int) -> Iterator[str]:
    """A `state` event now and at every change, until nothing more will happen to it."""
    seen: tuple[Any, ...] | None = None
    for last_sent in _ticks(services):
        found = _changed(services, principal, number, seen)
        if found is not None:
            seen, document = found
            last_sent.now()
            yield event("state", document.model_dump_json())
            if is_over(document):
                return
        elif last_sent.is_long_ago():
            last_sent.now()
            yield HEARTBEAT


def log_events(services: Services, principal: Principal, number: int, after: str) -> Iterator[str]:
    """A `line` event for each line after position `after`, then `end`."""
    last = after if _POSITION.fullmatch(after) else _START
    until = time.monotonic() + LIFETIME_S
    for position, line in services.log.follow(number, after=last):
        if position != last:
            last = position
            yield event("line", as_seen(line), position=position)
        elif _ended(services, principal, number):
            break  # it has no log to be finished, such as a rollback's
        else:
            yield HEARTBEAT
        if services.followers.stopping() or time.monotonic() > until:
            return
    yield event("end", "")


def is_over(document: documents.Deployment) -> bool:
    """Will nothing more happen to it? One that is live still drains what it replaced."""
    if State(document.state) not in ENDED:
        return False
    return all(step.ended_at is not None for step in document.steps) or document.state != State.LIVE


class _Since:
    """When something was sent last."""

    def __init__(self) -> None:
        self.now()

    def now(self) -> None:
        self._at = time.monotonic()

    def is_long_ago(self) -> bool:
        return time.monotonic() - self._at > HEARTBEAT_S


def _ticks(services: Services) -> Iterator[_Since]:
    """Every POLL_S, while the stream may live."""
    since, until = _Since(), time.monotonic() + LIFETIME_S
    while time.monotonic() < until and not services.followers.stopping():
        yield since
        time.sleep(POLL_S)


def _changed(
    services: Services, principal: Principal, number: int, seen: tuple[Any, ...] | None
) -> tuple[tuple[Any, ...], documents.Deployment] | None:
    """What it looks like now; None when that is as `seen`, or can't be told just now."""
    columns = (Deployment.state, Deployment.steps, Deployment.stop_requested, Deployment.release_id, Deployment.tail)
    try:
        with services.db.read(tenant_id=principal.tenant_id) as session:
            state = tuple(session.execute(select(*columns).where(Deployment.id == number)).one())
            if state == seen:
                return None
            row = deployment_numbered(session, number)
            return state, show_deployment(session, row, services.settings.public_url)
    except DependencyUnavailable as error:
        log.warning("a deployment can't be followed just now", extra={"deployment": number, "why": error.message})
        return None


def _ended(services: Services, principal: Principal, number: int) -> bool:
    found = _changed(services, principal, number, seen=None)
    return found is not None and is_over(found[1])
