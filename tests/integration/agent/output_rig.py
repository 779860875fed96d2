"""One replica that has printed five lines, and the agent's two servers that give them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from builder.agent.api import internal_api, stream_server
from builder.agent.telemetry.stats import replica_stats
from slipway.adapters.agent.client import AgentClient
from slipway.models import App, Replica
from slipway.ports.runtime import Change, Happened
from tests.fakes import FakeContainer
from tests.integration.agent.rig import Rig


def line(second: int) -> bytes:
    return f"2026-01-01T00:00:{second:02}Z {second}\n".encode()


def text(second: int) -> str:
    return line(second).decode().rstrip("\n")


def live_replica(rig: Rig) -> Replica:
    app = rig.add_app()
    rig.live(app)
    return rig.replicas(app)[0]


def printing_container(rig: Rig, replica: Replica) -> FakeContainer:
    found = rig.runtime.containers[str(replica.container_id)]
    found.output.extend(line(second) for second in range(5))
    return found


def crash(rig: Rig, replica: Replica, *, second: int, exit_code: int = 1, oom: bool = False) -> str:
    """The replica's container ends at that second. Returns the start of the note that its output gets: without what
    follows."""
    at = datetime.fromisoformat(f"2026-01-01T00:00:{second:02}+00:00").timestamp()
    row = rig.replicas(rig.all(App)[0])[0]
    for what in [Happened.OUT_OF_MEMORY] * oom + [Happened.DIED]:
        change = Change(row.app_id, row.id, str(row.container_id), what, at, exit_code)
        rig.agent.container_events.handle(change)
    rig.runtime.die(str(row.container_id), exit_code=exit_code, oom=oom)
    return f"2026-01-01T00:00:{second:02}.000000000Z [slipway] ended: "


def calls(
    rig: Rig,
    status: Callable[[], dict[str, Any]] = dict,
    head_of: Callable[[int], str | None] = lambda _app_id: None,
) -> internal_api.Calls:
    return internal_api.Calls(
        status=status,
        head_of=head_of,
        output=rig.agent.holder_output.so_far,
        stats=lambda replica_id: replica_stats(rig.db, rig.runtime, replica_id),
        last_probe=lambda _: None,
        volume_sizes=rig.runtime.volume_sizes,
    )


@contextmanager
def serving_short_calls(rig: Rig, answers: internal_api.Calls) -> Iterator[None]:
    rig.settings.run_dir.mkdir(parents=True, exist_ok=True)
    server = internal_api.serve(rig.settings.agent_socket, answers)
    try:
        yield
    finally:
        with suppress(OSError):  # its thread was awake already, and has closed itself
            server.trigger.pull_trigger(server.close)  # in its own thread


@contextmanager
def serving_streams(rig: Rig) -> Iterator[stream_server.StreamServer]:
    rig.settings.run_dir.mkdir(parents=True, exist_ok=True)
    agent, socket = rig.agent, rig.settings.agent_streams_socket
    server = stream_server.serve(socket, agent.holder_output.follow, agent.terminals.open, idle_s=60)
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def client_of(rig: Rig) -> AgentClient:
    return AgentClient(rig.settings.agent_socket, rig.settings.agent_streams_socket)
