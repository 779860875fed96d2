"""A pass over what is to be done in a service: one task at a time, the oldest first, in its replica that is ready.

Nothing is remembered between passes: a task that runs by its row alone was another agent's, and is begun anew.
"""

from __future__ import annotations

import functools
import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from builder.agent.attached.doing import TaskWork
from builder.agent.background_tasks import SERVICE, BackgroundTasks
from builder.agent.scope import REASON
from slipway.core.app_settings.configuration import PRODUCTION, WEB
from slipway.core.attached.tasks import UNFINISHED
from slipway.core.rollout.replica_states import READY
from slipway.db import Database
from slipway.domain.attached import tasks
from slipway.errors import DependencyUnavailable, DeploymentFailed, NotFound, SlipwayError
from slipway.models import TO_CHANGE, Replica, ServiceTask
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)

WAIT_S = 600.0
"""So long a task waits for its service to run."""
LOOK_S = 5.0
ATTEMPTS_MOST = 10


class ServiceReconciler:
    def __init__(self, db: Database, background_tasks: BackgroundTasks, work: TaskWork, clock: Clock) -> None:
        self._db = db
        self._background_tasks = background_tasks
        self._work = work
        self._clock = clock

    def run(self, app_id: int) -> float | None:
        """Do what is to be done next, if the app is a service. Returns when to look again (Unix seconds)."""
        with self._db.read(platform=REASON) as session:
            rows = tasks.unfinished_of(session, app_id)
            container_id = _container(session, app_id) if rows else None
        if not rows:
            return None
        task = rows[0]
        if container_id is None:
            return self._wait(task)
        work = functools.partial(self._do, task.id, container_id)
        self._background_tasks.begin(SERVICE, f"service:{task.service_id}", app_id, work)
        return None

    def _wait(self, task: ServiceTask) -> float:
        at = self._clock()
        if at > task.created_at.timestamp() + WAIT_S:
            self._fail(task.id, "service-stopped", "the service does not run", "start it: slipway scale 1 -a NAME")
        return at + LOOK_S

    def _do(self, task_id: int, container_id: str) -> None:
        try:
            self._work.do(task_id, container_id)
        except (DependencyUnavailable, NotFound) as error:
            self._try_again(task_id, error)
        except SlipwayError as error:
            reason = error.reason if isinstance(error, DeploymentFailed) else error.code
            self._fail(task_id, reason, error.message, error.remedy)

    def _try_again(self, task_id: int, error: SlipwayError) -> None:
        """The runtime did not answer, or the container is gone meanwhile: it is begun anew, but not for ever."""
        with self._db.read(platform=REASON) as session:
            row = session.get(ServiceTask, task_id)
        if row is not None and row.attempt >= ATTEMPTS_MOST:
            self._fail(task_id, error.code, error.message, error.remedy)
        else:
            raise DependencyUnavailable(error.message, remedy=error.remedy)

    def _fail(self, task_id: int, reason: str, detail: str, remedy: str) -> None:
        with self._db.write(platform=REASON) as session:
            row = session.get(ServiceTask, task_id, with_for_update=TO_CHANGE)
            if row is not None and row.state in [str(state) for state in UNFINISHED]:
                tasks.fail(row, reason, detail, remedy)
                log.warning("a task of a service failed", extra={"task": task_id, "kind": row.kind, "why": detail})


def _container(session: Session, app_id: int) -> str | None:
    """The replica's that is ready."""
    of_web = {"app_id": app_id, "environment": PRODUCTION, "process": WEB, "state": str(READY)}
    query = select(Replica.container_id).filter_by(**of_web).where(Replica.container_id.is_not(None))
    return session.scalar(query.limit(1))
