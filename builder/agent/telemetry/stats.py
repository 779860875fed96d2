"""What a replica uses: CPU, memory and processes, for the agent's internal API."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from builder.agent.scope import REASON
from slipway.db import Database
from slipway.errors import NotFound
from slipway.models import Replica
from slipway.ports.runtime import ContainerRuntime

SAMPLE_S = 0.2
"""Two samples this far apart say how many CPUs are in use."""


def replica_stats(db: Database, runtime: ContainerRuntime, replica_id: str) -> dict[str, Any]:
    """The runtime's `ResourceUse`, and `cpus`: how many CPUs it used in the last `SAMPLE_S` seconds.

    Raises:
        NotFound: there is no such replica, or it does not run.
    """
    with db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
    if row is None or row.container_id is None:
        raise NotFound(f"replica {replica_id} does not run", remedy="see which do: slipway ps")
    before = runtime.usage(row.container_id)
    time.sleep(SAMPLE_S)
    now = runtime.usage(row.container_id)
    cpus = (now.cpu_s - before.cpu_s) / (now.at - before.at)
    return asdict(now) | {"cpus": max(0.0, cpus)}
