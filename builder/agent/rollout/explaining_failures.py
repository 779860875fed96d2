"""From a failure that was decided on to the error that people read, with the replica's last output and remedies."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from builder.agent.rollout.crashes import record_crash
from builder.agent.scope import REASON, Scope
from builder.agent.telemetry import output
from builder.agent.telemetry.output import OutputStore
from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import DEFAULT_PORT
from slipway.core.causes.starts import Start, cause
from slipway.core.causes.table import Cause
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.actions import Fail
from slipway.core.rollout.crash import more_memory, out_of_memory_text
from slipway.core.rollout.failure import Failure, ProbeCause
from slipway.core.rollout.listeners import Listener
from slipway.core.rollout.own_lines import own_lines
from slipway.core.text.redaction import Redactor
from slipway.db import Database
from slipway.domain import lifecycle
from slipway.domain.releases.variables import secrets_of
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
    read_only: bool = True
    timeout_s: float = 0.0
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
        log.info("failed", extra={"deployment": action.deployment_id, "reason": error.reason, "why": error.sentence})
        return True

    def explained(self, action: Fail) -> DeploymentFailed:
        """The error to end the deployment with."""
        failure = action.failure
        source = self._source(action)
        printed = self._own_lines(source)
        found = self._cause(failure, source, printed) if action.replica_id or failure.tail else None
        advice = list(dict.fromkeys(filter(None, [failure.remedy, source.shortage])))
        advice += [found.remedy] if found else [failure.otherwise] if failure.otherwise else []
        if printed:  # of one that never ran, or printed nothing, there is nothing to read
            read = f"read all that it printed: slipway logs --replica {source.replica_id}"
            advice.append(f"or {read}" if advice else read)
        redact = Redactor(source.secrets).text
        return DeploymentFailed(
            failure.reason,
            redact(failure.message),
            cause=redact(found.sentence) if found else "",
            remedy=redact("\n".join(advice)),
            tail=redact("\n".join(printed[-_TAIL_LINES:]) or failure.tail),
        )

    def _cause(self, failure: Failure, source: _Source, printed: list[str]) -> Cause | None:
        """What the output, the sockets, the answer or the exit code say; None where the failure says it all itself."""
        if failure.remedy:
            return None
        is_refused = failure.probe is not None and failure.probe.cause is ProbeCause.REFUSED
        return cause(
            Start(
                printed="\n".join(printed) or failure.tail,
                port=source.port,
                exit_code=failure.exit_code,
                probe=failure.probe,
                listeners=self._listeners(source) if is_refused else None,
                read_only=source.read_only,
                timeout_s=source.timeout_s,
            )
        )

    def _listeners(self, source: _Source) -> Sequence[Listener] | None:
        """What listens in the replica's container; None: that can't be seen."""
        try:
            return self._runtime.listeners(source.container_id) if source.container_id else None
        except SlipwayError as error:
            log.info("sockets can't be seen", extra={"container": source.container_id, "why": error.message})
            return None

    def _source(self, action: Fail) -> _Source:
        with self._db.read(platform=REASON) as session:
            row = session.get(Replica, action.replica_id) if action.replica_id else None
            deployment = session.get(Deployment, action.deployment_id)
            release_id = row.release_id if row else deployment.release_id if deployment else None
            release = session.get(Release, release_id) if release_id else None
        if release is None:
            return _Source()
        values = release.configuration
        known = _Source(
            port=values["port"],
            health_path=values.get("health_path") or "",
            secrets=self._secrets(release),
            read_only=values["read_only"],
            timeout_s=values["probe_timeout_s"],
        )
        if row is None:
            return known
        limit_bytes = values["memory_bytes"]
        shortage = f"a process was killed: {out_of_memory_text(limit_bytes)}; {more_memory(limit_bytes)}"
        return replace(
            known,
            replica_id=row.id,
            container_id=row.container_id,
            shortage=shortage if row.out_of_memory_at else "",
        )

    def _secrets(self, release: Release) -> tuple[str, ...]:
        return secrets_of(self._vault, release)

    def _own_lines(self, source: _Source) -> list[str]:
        """Of the replica's last container, or what was kept of an earlier one; none when it never printed anything."""
        if not source.replica_id:
            return []
        try:
            lines = own_lines(self._printed(source), source.health_path)
        except SlipwayError as error:
            return [f"(its output can't be read: {error.message})"]
        return lines if any(lines) else []

    def _printed(self, source: _Source) -> list[str]:
        if source.container_id:
            printed = output.tail(self._runtime, source.container_id, _READ_LINES)
            if printed:
                return printed.split("\n")
        return output.without_times(self._store.kept(source.replica_id)).split("\n")
