"""From a failure that was decided on to the error that people read: the replica's last words and what to do."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from builder.agent.parts import REASON, Parts, Scope
from builder.agent.rollout.specs import open_variables
from builder.agent.telemetry import output
from slipway import lifecycle
from slipway.core.configuration import DEFAULT_PORT
from slipway.core.diagnosis import own_lines, probe_remedies, remedies
from slipway.core.fleet import Fail
from slipway.core.redaction import Redactor
from slipway.core.states import UNFINISHED, State
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.models import Deployment, Release, Replica

log = logging.getLogger(__name__)

_TAIL_LINES = 40
_LOOKED_AT_LINES = 400  # an access log may fill the last ones with our own asking


@dataclass(frozen=True, slots=True)
class _Witness:
    """Whose output tells why, and what of it nobody may read."""

    container_id: str | None = None
    port: int = DEFAULT_PORT
    health_path: str = ""
    secrets: tuple[str, ...] = ()


def fail(parts: Parts, _scope: Scope, action: Fail) -> bool:
    """End in `failed`, with what the replica said last. What served before is left as it is."""
    error = explained(parts, action)
    with parts.db.write(platform=REASON) as session:
        row = session.get(Deployment, action.deployment_id)
        if row is None or State(row.state) not in UNFINISHED:
            return False
        lifecycle.fail(row, error)
    log.info("failed", extra={"deployment": action.deployment_id, "reason": error.reason, "why": error.message})
    return True


def explained(parts: Parts, action: Fail) -> DeploymentFailed:
    """The error to end the deployment with."""
    failure = action.failure
    witness = _witness(parts, action)
    tail = _last_words(parts, witness.container_id, witness.health_path) if witness.container_id else failure.tail
    advice = [failure.remedy] if failure.remedy else []
    if action.replica_id:
        advice += remedies(tail, port=witness.port, refused="was refused" in failure.message)
        advice += probe_remedies(failure.message)
        read = f"read all that it printed: slipway logs --replica {action.replica_id}"
        advice.append(f"or {read}" if advice else read)
    redacted = Redactor(witness.secrets).text(tail)
    return DeploymentFailed(failure.reason, failure.message, remedy="\n".join(advice), tail=redacted)


def _witness(parts: Parts, action: Fail) -> _Witness:
    with parts.db.read(platform=REASON) as session:
        row = session.get(Replica, action.replica_id) if action.replica_id else None
        deployment = session.get(Deployment, action.deployment_id)
        release_id = row.release_id if row else deployment.release_id if deployment else None
        release = session.get(Release, release_id) if release_id else None
    if release is None:
        return _Witness()
    try:
        secrets = tuple(open_variables(parts.vault, release).values())
    except SlipwayError:
        secrets = ()  # what can't be opened was never given to the replica
    asked = release.configuration.get("health_path") or ""
    return _Witness(row.container_id if row else None, release.configuration["port"], asked, secrets)


def _last_words(parts: Parts, container_id: str, health_path: str) -> str:
    try:
        said = output.tail(parts.runtime, container_id, _LOOKED_AT_LINES).splitlines()
        return "\n".join(own_lines(said, health_path)[-_TAIL_LINES:])
    except SlipwayError as error:
        return f"(its output can't be read: {error.message})"
