"""What an App's own events say: of installations, and of checks that somebody wants anew.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slipway.core.push import payload_fields as fields
from slipway.errors import InvalidInput

INSTALLATION, REPOSITORIES, CHECK_RUN, CHECK_SUITE = (
    "installation",
    "installation_repositories",
    "check_run",
    "check_suite",
)
RENAMED = "installation_target"
RERUN = "rerequested"
_MAX_ID = (1 << 63) - 1


class InstallationState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


MOVES: dict[InstallationState, frozenset[InstallationState]] = {
    InstallationState.ACTIVE: frozenset(InstallationState),
    InstallationState.SUSPENDED: frozenset(InstallationState),
    InstallationState.REMOVED: frozenset({InstallationState.REMOVED}),
}
"""An event may come late, or again. What was removed stays so: when it is installed again, it has another number."""


def moved(old: InstallationState, new: InstallationState) -> InstallationState:
    """The state after an event that reports `new`: the old one, where that can't have happened since."""
    return new if new in MOVES[old] else old


_STATES = {
    "created": InstallationState.ACTIVE,
    "unsuspend": InstallationState.ACTIVE,
    "suspend": InstallationState.SUSPENDED,
    "deleted": InstallationState.REMOVED,
}


@dataclass(frozen=True, slots=True)
class InstallationChange:
    """What an event changes about an installation. None, or empty: nothing of that kind."""

    state: InstallationState | None
    account: str
    selection: str
    """`all` or `selected`: which of the account's repositories it has."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Somebody wants a check anew."""

    external_ids: tuple[str, ...]
    """Of one check; empty: of all checks of the commit."""
    commit_sha: str


def installation_id(payload: object) -> int:
    """Raises `InvalidInput`: the body does not name the installation that it was sent for."""
    installation = fields.mapping(fields.mapping(payload, "the body").get("installation"), "installation")
    return positive(installation.get("id"), "installation.id")


def installation_change(event: str, payload: object) -> InstallationChange:
    """Of an `installation`, `installation_repositories` or `installation_target` event.

    Raises:
        InvalidInput: a field is missing or has the wrong type.
    """
    body = fields.mapping(payload, "the body")
    installation = fields.mapping(body.get("installation"), "installation")
    state = _STATES.get(str(body.get("action"))) if event == INSTALLATION else None
    account = body.get("account") if event == RENAMED else installation.get("account")
    selection = installation.get("repository_selection")
    return InstallationChange(
        state=state,
        account=fields.first_text(fields.field(account, "login")),
        selection=selection if selection in ("all", "selected") else "",
    )


def rerun(event: str, payload: object) -> Rerun | None:
    """Of a `check_run` or `check_suite` event; None: it asks for nothing.

    Raises:
        InvalidInput: a field is missing or has the wrong type.
    """
    body = fields.mapping(payload, "the body")
    if body.get("action") != RERUN:
        return None
    of: Any = fields.mapping(body.get(event), event)
    sha = fields.stored(of.get("head_sha"), f"{event}.head_sha", 64)
    if event == CHECK_SUITE:
        return Rerun((), sha)
    return Rerun((fields.stored(of.get("external_id"), "check_run.external_id", 100),), sha)


def positive(value: object, what: str) -> int:
    """An id of GitHub's. Raises `InvalidInput`: it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MAX_ID:
        raise InvalidInput(f"{what} is missing or no id", remedy=fields.REMEDY)
    return value
