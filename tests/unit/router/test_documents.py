"""What the documents say of a field's values is what the code can store or compute."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import get_args

from builder.sources.source import SOURCES
from router import documents
from router.documents import Document
from slipway.core.access.roles import Role
from slipway.core.access.trusted_publishers import IssuerKind
from slipway.core.app_settings.limits import By
from slipway.core.attached.kinds import KINDS
from slipway.core.attached.tasks import TaskKind, TaskState
from slipway.core.certificates.states import State as CertificateState
from slipway.core.deployment.app_state import AppState
from slipway.core.deployment.states import Kind, State
from slipway.core.github.app_events import InstallationState
from slipway.core.identity.people import Outcome
from slipway.core.previews.decide import PreviewState
from slipway.core.push.outcome import DeliveryOutcome
from slipway.core.quota.quotas import Quota
from slipway.core.rollout.replica_states import ReplicaState
from slipway.core.runs.cron_job import Overlap
from slipway.core.runs.states import RunState
from slipway.core.usage.periods import Step
from slipway.domain.invitations import State as InvitationState

VALUES: dict[tuple[str, str], Iterable[str]] = {
    ("Deployment", "kind"): Kind,
    ("Deployment", "state"): State,
    ("Deployment", "source"): SOURCES,
    ("App", "source"): SOURCES,
    ("App", "state"): AppState,
    ("Delivery", "outcome"): DeliveryOutcome,
    ("GitHubInstallation", "state"): InstallationState,
    ("Replica", "state"): set(ReplicaState),
    ("Container", "state"): set(ReplicaState),
    ("ReplicaHealth", "state"): set(ReplicaState),
    ("Variable", "scope"): {"run", "build"},
    ("Volume", "state"): documents.VolumeState,
    ("Limit", "scope"): {"app", "tenant", "plan"},
    ("Limit", "by"): get_args(By),
    ("Quota", "name"): Quota,
    ("RefusedCaller", "scope"): {"app", "tenant", "plan"},
    ("System", "status"): documents.SystemStatus,
    ("User", "role"): Role,
    ("Invitation", "role"): Role,
    ("Invitation", "state"): InvitationState,
    ("ImportedLine", "outcome"): Outcome,
    ("TrustedPublisher", "kind"): IssuerKind,
    ("CertificateExpiry", "state"): CertificateState,
    ("Usage", "step"): Step,
    ("Run", "state"): RunState,
    ("Preview", "state"): PreviewState,
    ("CronJob", "overlap"): Overlap,
    ("Service", "kind"): KINDS,
    ("Service", "state"): AppState,
    ("ServiceTask", "kind"): TaskKind,
    ("ServiceTask", "state"): TaskState,
}
_LIST = re.compile(r"([a-z_]+(?: [a-z]+)?(?:, [a-z_]+(?: [a-z]+)?)*) or ([a-z_]+(?: [a-z]+)?)\.")


def listed() -> Iterator[tuple[tuple[str, str], set[str]]]:
    """The fields whose description is a list of values, each by the document that declares it."""
    for document in Document.__subclasses__():
        for name, field in document.model_fields.items():
            found = _LIST.fullmatch(field.description or "")
            if found:
                yield (document.__name__, name), {*found[1].split(", "), found[2]}


def test_every_list_of_values_is_the_codes() -> None:
    assert dict(listed()) == {field: {str(value) for value in values} for field, values in VALUES.items()}


def test_values_are_listed_as_people_write_them() -> None:
    assert documents.one_of(["git", "image"]) == "git or image."
    assert documents.one_of(DeliveryOutcome) == "deployed, previewed, ignored or refused."
