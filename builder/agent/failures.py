"""From a failure that was decided on to the error that people read: the replica's last words and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from builder.agent import output
from builder.agent.parts import REASON, Parts
from builder.agent.specs import open_variables
from slipway.core.diagnosis import remedies
from slipway.core.fleet import Fail
from slipway.core.redaction import Redactor
from slipway.errors import DeploymentFailed, SlipwayError
from slipway.models import Release, Replica

_TAIL_LINES = 40


@dataclass(frozen=True, slots=True)
class _Witness:
    container_id: str | None
    port: int
    secrets: list[str]


def failed(parts: Parts, action: Fail) -> DeploymentFailed:
    """The error to end the deployment with."""
    failure = action.failure
    witness = _witness(parts, action.replica_id) if action.replica_id else None
    tail = Redactor(witness.secrets).text(_last_words(parts, witness)) if witness else failure.tail
    advice = [failure.remedy] if failure.remedy else []
    if witness:
        advice += remedies(tail, port=witness.port, refused="was refused" in failure.message)
        advice.append(f"or read all that it printed: slipway logs --replica {action.replica_id}")
    return DeploymentFailed(failure.reason, failure.message, remedy="\n".join(advice), tail=tail)


def _witness(parts: Parts, replica_id: str) -> _Witness | None:
    with parts.db.read(platform=REASON) as session:
        row = session.get(Replica, replica_id)
        release = session.get(Release, row.release_id) if row else None
        if row is None or release is None:
            return None
    try:
        secrets = list(open_variables(parts.vault, release).values())
    except SlipwayError:
        secrets = []  # what can't be opened was never given to the replica
    return _Witness(row.container_id, release.configuration["port"], secrets)


def _last_words(parts: Parts, witness: _Witness) -> str:
    if witness.container_id is None:
        return ""
    try:
        return output.tail(parts.runtime, witness.container_id, _TAIL_LINES)
    except SlipwayError as error:
        return f"(its output can't be read: {error.message})"
