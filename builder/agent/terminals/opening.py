"""Opens terminals in replicas that run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from builder.agent.scope import REASON
from slipway.core.rollout.replica_states import DRAINING, READY, STARTING
from slipway.core.terminal.channels import checked_size
from slipway.db import Database
from slipway.errors import InvalidInput, NotFound
from slipway.models import Replica
from slipway.ports.runtime import ContainerRuntime, TerminalSession, TerminalSpec


class Terminals:
    def __init__(self, db: Database, runtime: ContainerRuntime) -> None:
        self._db = db
        self._runtime = runtime

    def open(self, replica_id: str, spec: TerminalSpec) -> TerminalSession:
        """Raises `NotFound` when the replica does not run."""
        with self._db.read(platform=REASON) as session:
            row = session.get(Replica, replica_id)
        if row is None or row.container_id is None or row.state not in (STARTING, READY, DRAINING):
            raise NotFound("This replica does not run.", remedy="see which do: slipway ps")
        return self._runtime.open_terminal(row.container_id, spec)


def spec_of(text: str) -> TerminalSpec:
    """What the router asks for, in JSON: `command`, and `columns` and `rows` of a terminal. Raises `InvalidInput`."""
    try:
        values: Mapping[str, Any] = json.loads(text)
        argv = tuple(map(str, values["command"]))
        size = checked_size(values["columns"], values["rows"]) if values.get("columns") else None
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput("that can't be run in a terminal") from error
    return TerminalSpec(argv, size)
