"""Terminals in replicas: who may open one, in which, and the record of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from sqlalchemy import select

from router.principal import Principal
from router.services import Services
from router.usecases.finding import app_named
from router.usecases.runs.masking import CommandMasks
from slipway.adapters.agent.terminals import OpenTerminal
from slipway.core.rollout.replica_states import DRAINING, READY, STARTING
from slipway.core.terminal.channels import Size
from slipway.domain import audit
from slipway.domain.audit import Action
from slipway.domain.runs.beginning import check_command
from slipway.errors import InvalidInput, NotFound
from slipway.models import Release, Replica

_RUNNING = [str(state) for state in (STARTING, READY, DRAINING)]


def running_replica(services: Services, principal: Principal, app_name: str, replica_id: str) -> str:
    """Raises `NotFound` when the app has no such replica that runs."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        app = app_named(session, app_name)
        query = select(Replica.id).filter_by(id=replica_id, app_id=app.id).where(Replica.state.in_(_RUNNING))
        found = session.scalar(query)
    if found is None:
        raise NotFound(
            f"{app_name} has no replica {replica_id[:64]!r} that runs.",
            remedy=f"see which run: slipway ps -a {app_name}",
        )
    return found


def command_of(text: str) -> list[str]:
    """The words, which the address has as JSON. Raises `InvalidInput`."""
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise InvalidInput("the command is no list of words", remedy='give it as JSON: ["sh", "-c", "ls /tmp"]')
    check_command(words)
    return words


def open_terminal(
    services: Services,
    principal: Principal,
    app_name: str,
    replica_id: str,
    *,
    command: Sequence[str],
    size: Size | None,
    key: str,
) -> OpenTerminal:
    """Record that it is opened, and have the agent open it.

    Raises:
        NotFound: the replica has ended.
        DependencyUnavailable: the agent does not answer.
    """
    with services.db.write(tenant_id=principal.tenant_id) as session:
        of_replica = select(Release).join(Replica, Replica.release_id == Release.id).where(Replica.id == replica_id)
        shown = CommandMasks(services).recorded(command, session.scalar(of_replica))
        said = {"replica": replica_id, "command": shown, "terminal": size is not None}
        audit.record(session, principal.tenant_id, principal.actor, Action.TERMINAL_OPEN, app_name, **said)
    return services.agent.open_terminal(replica_id, command, size, key)


def record_end(services: Services, principal: Principal, app_name: str, replica_id: str, began: float) -> None:
    """`began`: by the monotonic clock."""
    said = {"replica": replica_id, "seconds": round(time.monotonic() - began, 1)}
    with services.db.write(tenant_id=principal.tenant_id) as session:
        audit.record(session, principal.tenant_id, principal.actor, Action.TERMINAL_CLOSE, app_name, **said)
