"""A deployment as it moves on, and its log as it is written."""

from __future__ import annotations

import logging
import re
import time

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.streams.events import DeploymentLook, Ended, Events, LogLine, StateChanged
from router.usecases.finding import deployment_numbered
from router.usecases.showing.deployments import show_deployment
from slipway.core.deployment.states import ENDED, State
from slipway.core.text.rewritten_lines import as_seen
from slipway.errors import DependencyUnavailable, NotFound
from slipway.models import Deployment

log = logging.getLogger(__name__)
POLL_S = 0.2
SHARED_S = 0.1
"""How old what another follower of the same deployment found may be."""
_POSITION = re.compile(r"\d{1,20}-\d{1,20}")
_START = "0-0"


def deployment_events(services: Services, principal: Principal, number: int) -> Events:
    """The deployment now and at every change, until nothing more will happen to it, or its app is removed."""
    poll = services.deployment_polls.of((principal.tenant_id, number))
    last: DeploymentLook | None = None

    def look(before: DeploymentLook | None) -> DeploymentLook:
        return _look(services, principal, number, before)

    while True:
        try:
            found = poll.value(look, max_age_s=SHARED_S)
        except NotFound:
            yield [Ended()]
            return
        except DependencyUnavailable as error:
            log.warning("a deployment can't be followed just now", extra={"deployment": number, "why": error.message})
            yield []
        else:
            yield [] if found is last else [StateChanged(found.document)]
            if is_over(found.document):
                return
            last = found
        time.sleep(POLL_S)


def log_events(services: Services, principal: Principal, number: int, after: str) -> Events:
    """Each line after position `after`, then the end."""
    last = after if _POSITION.fullmatch(after) else _START
    for position, line in services.log.follow(number, after=last):
        if position != last:
            last = position
            yield [LogLine(position, as_seen(line))]
        elif _has_ended(services, principal, number):
            break  # it has no log to be finished, such as a rollback's
        else:
            yield []
    yield [Ended()]


def is_over(document: documents.Deployment) -> bool:
    """Will nothing more happen to it? One that is live still drains what it replaced."""
    if State(document.state) not in ENDED:
        return False
    return all(step.ended_at is not None for step in document.steps) or document.state != State.LIVE


def _look(services: Services, principal: Principal, number: int, before: DeploymentLook | None) -> DeploymentLook:
    """The deployment now; `before` itself when nothing has changed. Raises `NotFound` once its app is removed."""
    columns = (Deployment.state, Deployment.steps, Deployment.stop_requested, Deployment.release_id, Deployment.tail)
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = session.execute(select(*columns).where(Deployment.id == number)).first()
        if before is not None and found is not None and tuple(found) == before.columns:
            return before
        row = deployment_numbered(session, number)
        return DeploymentLook(tuple(found or ()), show_deployment(session, row, services.settings.public_url))


def _has_ended(services: Services, principal: Principal, number: int) -> bool:
    """Not, as far as is known, while the database does not answer."""
    try:
        return is_over(_look(services, principal, number, None).document)
    except NotFound:
        return True
    except DependencyUnavailable:
        return False
