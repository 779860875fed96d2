"""From a failure that was decided on to the error that people read: the replica's last words and what to do."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from builder.agent.dependencies import REASON, Dependencies, Scope
from builder.agent.rollout.crashes import record_crash
from builder.agent.rollout.specs import open_variables
from builder.agent.telemetry import output
from slipway.core.app_settings.configuration import DEFAULT_PORT
from slipway.core.deployment.diagnosis import own_lines, probe_remedies, remedies
from slipway.core.deployment.states import UNFINISHED, State
from slipway.core.rollout.crash import more_memory, out_of_memory_text
from slipway.core.rollout.fleet import Fail
from slipway.core.text.redaction import Redactor
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.models import Deployment, Release, Replica

log = logging.getLogger(__name__)

_TAIL_LINES = 40
_LOOKED_AT_LINES = 400  # an access log may fill the last ones with our own asking


@dataclass(frozen=True, slots=True)
class _Witness:
    """Whose output tells why, and what of it nobody may read."""

    replica_id: str = ""
    container_id: str | None = None
    port: int = DEFAULT_PORT
    health_path: str = ""
    secrets: tuple[str, ...] = ()
    shortage: str = ""
    """What to do about a process that was killed for lack of memory."""


def fail(dependencies: Dependencies, _scope: Scope, action: Fail) -> bool:
    """End in `failed`, with what the replica said last. What served before is left as it is."""
    error = explained(dependencies, action)
    with dependencies.db.write(platform=REASON) as session:
        row = session.get(Deployment, action.deployment_id)
        if row is None or State(row.state) not in UNFINISHED:
            return False
        replica = session.get(Replica, action.replica_id) if action.replica_id else None
        if replica and action.ended:
            record_crash(session, replica, action.ended, dependencies.clock())
        lifecycle.fail(row, error)
    log.info("failed", extra={"deployment": action.deployment_id, "reason": error.reason, "why": error.message})
    return True


def explained(dependencies: Dependencies, action: Fail) -> DeploymentFailed:
    """The error to end the deployment with."""
    failure = action.failure
    witness = _witness(dependencies, action)
    said = _last_words(dependencies, witness)
    tail = said or failure.tail
    advice = list(dict.fromkeys(filter(None, [failure.remedy, witness.shortage])))
    if action.replica_id:
        advice += remedies(tail, port=witness.port, refused="was refused" in failure.message)
        advice += probe_remedies(failure.message)
    if said:  # of one that never ran, or printed nothing, there is nothing to read
        read = f"read all that it printed: slipway logs --replica {witness.replica_id}"
        advice.append(f"or {read}" if advice else read)
    redact = Redactor(witness.secrets).text
    return DeploymentFailed(
        failure.reason, redact(failure.message), remedy=redact("\n".join(advice)), tail=redact(tail)
    )


def _witness(dependencies: Dependencies, action: Fail) -> _Witness:
    with dependencies.db.read(platform=REASON) as session:
        row = session.get(Replica, action.replica_id) if action.replica_id else None
        deployment = session.get(Deployment, action.deployment_id)
        release_id = row.release_id if row else deployment.release_id if deployment else None
        release = session.get(Release, release_id) if release_id else None
    if release is None:
        return _Witness()
    try:
        secrets = tuple(open_variables(dependencies.vault, release).values())
    except SlipwayError:
        secrets = ()  # what can't be opened was never given to the replica
    asked = release.configuration.get("health_path") or ""
    port = release.configuration["port"]
    if row is None:
        return _Witness(port=port, health_path=asked, secrets=secrets)
    limit_bytes = release.configuration["memory_bytes"]
    shortage = f"a process was killed: {out_of_memory_text(limit_bytes)}; {more_memory(limit_bytes)}"
    return _Witness(row.id, row.container_id, port, asked, secrets, shortage if row.out_of_memory_at else "")


def _last_words(dependencies: Dependencies, witness: _Witness) -> str:
    """Of the replica's last container, or what was kept of an earlier one; empty when it never printed anything."""
    if not witness.replica_id:
        return ""
    try:
        said = _printed(dependencies, witness)
        return "\n".join(own_lines(said, witness.health_path)[-_TAIL_LINES:])
    except SlipwayError as error:
        return f"(its output can't be read: {error.message})"


def _printed(dependencies: Dependencies, witness: _Witness) -> list[str]:
    if witness.container_id:
        said = output.tail(dependencies.runtime, witness.container_id, _LOOKED_AT_LINES)
        if said:
            return said.split("\n")
    return output.without_times(output.kept(dependencies.settings, witness.replica_id)).split("\n")
