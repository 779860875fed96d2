"""From a failure that was decided on to the error that people read, with the replica's last output and remedies."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from builder.agent.rollout.crashes import record_crash
from builder.agent.rollout.releases.specs import open_variables
from builder.agent.scope import REASON, Scope
from builder.agent.telemetry import output
from builder.agent.telemetry.output import OutputStore
from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import DEFAULT_PORT
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.actions import Fail
from slipway.core.rollout.crash import more_memory, out_of_memory_text
from slipway.core.rollout.failure import Failure, ProbeCause
from slipway.core.rollout.remedies import own_lines, probe_remedies, remedies
from slipway.core.text.redaction import Redactor
from slipway.db import Database
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.models import Deployment, Release, Replica
from slipway.ports.clock import Clock
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)

_TAIL_LINES = 40
_READ_LINES = 400  # the last ones may all be access log of our own probes


@dataclass(frozen=True, slots=True)
class _Source:
    """The replica whose output explains a failure, and the secrets to remove from it."""

    replica_id: str = ""
    container_id: str | None = None
    port: int = DEFAULT_PORT
    health_path: str = ""
    secrets: tuple[str, ...] = ()
    shortage: str = ""
    """What to do about a process that was killed for lack of memory."""


class Failures:
    """Explains failures and ends deployments with them."""

    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        vault: Vault,
        store: OutputStore,
        clock: Clock,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._vault = vault
        self._store = store
        self._clock = clock

    def fail(self, _scope: Scope, action: Fail) -> bool:
        """End in `failed`, with what the replica printed last. What served before is left as it is."""
        error = self.explained(action)
        with self._db.write(platform=REASON) as session:
            row = session.get(Deployment, action.deployment_id)
            if row is None or State(row.state) not in UNFINISHED:
                return False
            replica = session.get(Replica, action.replica_id) if action.replica_id else None
            if replica and action.ended:
                record_crash(session, replica, action.ended, self._clock())
            lifecycle.fail(row, error)
        log.info("failed", extra={"deployment": action.deployment_id, "reason": error.reason, "why": error.message})
        return True

    def explained(self, action: Fail) -> DeploymentFailed:
        """The error to end the deployment with."""
        failure = action.failure
        source = self._source(action)
        printed = self._last_lines(source)
        tail = printed or failure.tail
        advice = list(dict.fromkeys(filter(None, [failure.remedy, source.shortage])))
        if action.replica_id or failure.tail:
            advice += _remedies(failure, tail, source.port)
        if printed:  # of one that never ran, or printed nothing, there is nothing to read
            read = f"read all that it printed: slipway logs --replica {source.replica_id}"
            advice.append(f"or {read}" if advice else read)
        redact = Redactor(source.secrets).text
        return DeploymentFailed(
            failure.reason, redact(failure.message), remedy=redact("\n".join(advice)), tail=redact(tail)
        )

    def _source(self, action: Fail) -> _Source:
        with self._db.read(platform=REASON) as session:
            row = session.get(Replica, action.replica_id) if action.replica_id else None
            deployment = session.get(Deployment, action.deployment_id)
            release_id = row.release_id if row else deployment.release_id if deployment else None
            release = session.get(Release, release_id) if release_id else None
        if release is None:
            return _Source()
        path, port = release.configuration.get("health_path") or "", release.configuration["port"]
        secrets = self._secrets(release)
        if row is None:
            return _Source(port=port, health_path=path, secrets=secrets)
        limit_bytes = release.configuration["memory_bytes"]
        shortage = f"a process was killed: {out_of_memory_text(limit_bytes)}; {more_memory(limit_bytes)}"
        return _Source(row.id, row.container_id, port, path, secrets, shortage if row.out_of_memory_at else "")

    def _secrets(self, release: Release) -> tuple[str, ...]:
        try:
            return tuple(open_variables(self._vault, release).values())
        except SlipwayError:
            return ()  # the replica never got variables that can't be opened

    def _last_lines(self, source: _Source) -> str:
        """Of the replica's last container, or what was kept of an earlier one; empty when it never printed anything."""
        if not source.replica_id:
            return ""
        try:
            return "\n".join(own_lines(self._printed(source), source.health_path)[-_TAIL_LINES:])
        except SlipwayError as error:
            return f"(its output can't be read: {error.message})"

    def _printed(self, source: _Source) -> list[str]:
        if source.container_id:
            printed = output.tail(self._runtime, source.container_id, _READ_LINES)
            if printed:
                return printed.split("\n")
        return output.without_times(self._store.kept(source.replica_id)).split("\n")


def _remedies(failure: Failure, tail: str, port: int) -> list[str]:
    probe = failure.probe
    found = remedies(tail, port=port, refused=probe is not None and probe.cause is ProbeCause.REFUSED)
    return found + (probe_remedies(probe) if probe else [])
