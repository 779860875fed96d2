"""Which deployment makes the head of an app's branch live: one under way for exactly that commit, else a new one.

Whatever else is under way (an older commit, a configuration change, a rollback) is not what `slipway deploy` asks for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.cli.exit_codes import ApiAbsent, ApiProblem
from slipway.cli.invocation import Invocation
from slipway.cli.output import release_of
from slipway.cli.streams.transcript import Deployment, is_watched, serves_already, serving
from slipway.core.deployment.ordering import BRANCH_MOVED, CHANGES_NOTHING
from slipway.core.deployment.states import BY_HAND, UNFINISHED, WITH_IMAGE_TO_MAKE, Kind, State

DELIVERY_WAIT_S = 5.0
"""How long the delivery of a head that no delivery has reported yet is waited for, before it is deployed by hand."""
_ASK_S = 0.3
_LISTED = 50
_NOT_ALLOWED = (401, 403)
_JUST = timedelta(minutes=1)
"""How long after a push failed, or was skipped by the app's paths, `slipway deploy` shows that instead of deploying."""


@dataclass(frozen=True, slots=True)
class Target:
    """What `slipway deploy` alone asks for: the branch's head, or the app's image as its registry has it now."""

    ref: str
    commit: str = ""
    """Empty when only a worker can find it: for an image, and when the repository did not answer."""
    awaited_hook: str = ""
    """The hook whose delivery of the commit may still be on its way."""


def deployment_of_head(call: Invocation) -> Deployment:
    """The deployment under way that makes the head live, or a new one; a push of the head that has just failed, or was
    just skipped by the app's paths, is returned too, instead of being repeated."""
    target = _target(call)
    listed = _deployments(call)
    found = matching(listed, target) or _delivered_soon(call, target, listed)
    return found or _by_hand(call)


def follow_on(call: Invocation, ended: Deployment) -> Deployment | None:
    """What to follow after `ended`, which was to make the head live: what makes the present head live, when the branch
    has moved on; or what serves the head already, while that may still give way. None when it is live, when it failed,
    or when somebody stopped it or has chosen something else since."""
    if ended["state"] == State.SUPERSEDED and ended["reason"] == BRANCH_MOVED:
        return _instead_of(call, ended)
    if ended["state"] != State.SKIPPED:
        return None
    if not serves_already(ended) and not _is_head_without_changes(call, ended):
        return _instead_of(call, ended)
    return _serving_on_trial(call, ended)


def matching(deployments: Iterable[Deployment], target: Target) -> Deployment | None:
    """The newest deployment that makes the target live, or whose push has just failed to."""
    listed = list(deployments)
    if listed and _just_skipped(listed[0], target):
        return listed[0]
    return next((each for each in listed if _is_under_way(each, target) or _just_failed(each, target)), None)


def just_failed(deployment: Deployment) -> bool:
    """A push may fail before its user asks for it: then that deployment is shown, and none is made."""
    return deployment["state"] == State.FAILED and _is_push_of_just_now(deployment)


def _is_push_of_just_now(deployment: Deployment) -> bool:
    if deployment["kind"] != Kind.PUSH or not deployment["ended_at"]:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(deployment["ended_at"]) < _JUST


def _just_skipped(newest: Deployment, target: Target) -> bool:
    """A push that changes nothing of the app may end before its user asks for it."""
    is_head = bool(target.commit) and newest["commit"] == target.commit
    return is_head and newest["reason"] == CHANGES_NOTHING and _is_push_of_just_now(newest)


def _just_failed(deployment: Deployment, target: Target) -> bool:
    is_head = bool(target.commit) and deployment["commit"] == target.commit
    return is_head and just_failed(deployment) and not serves_already(deployment)


def _is_under_way(deployment: Deployment, target: Target) -> bool:
    """One without a commit or digest yet was asked for by hand: its worker will look up what its ref means then. One
    that is live is under way while it is watched, since it may give way."""
    goes_on = deployment["state"] in UNFINISHED or is_watched(deployment)
    if not goes_on or deployment["stopping"] or deployment["kind"] not in WITH_IMAGE_TO_MAKE:
        return False
    if deployment["commit"] or deployment["digest"]:
        return bool(target.commit) and deployment["commit"] == target.commit
    return deployment["kind"] in BY_HAND and deployment["ref"] == target.ref


def _target(call: Invocation) -> Target:
    app = call.client.get(call.app_path())
    if app["image"]:
        return Target(ref=app["image"])
    ref = f"refs/heads/{app['branch']}"
    try:
        head = call.client.get(call.app_path("/head"))
    except (ApiProblem, ApiAbsent) as error:
        if isinstance(error, ApiProblem) and error.http_status in _NOT_ALLOWED:
            raise
        why = error.message.rstrip(".")
        call.out.hint(f"The head of {app['branch']} could not be asked for ({why}): deploying by hand.")
        return Target(ref=ref)
    awaited = head["hook"] if head["hook"] and not head["delivered"] else ""
    return Target(head["ref"], head["commit"] or "", awaited)


def _delivered_soon(call: Invocation, target: Target, listed: list[Deployment]) -> Deployment | None:
    """Right after `git push` its delivery may be on its way: wait for what it makes, for a moment, and say so."""
    is_live = bool(listed) and serving(listed[0]) == (target.commit, "")
    if not target.commit or not target.awaited_hook or is_live:
        return None
    short = target.commit[:7]
    call.out.hint(f"Waiting up to {DELIVERY_WAIT_S:g} s for the delivery of {short}, the branch's head.")
    until = time.monotonic() + DELIVERY_WAIT_S
    while time.monotonic() < until:
        time.sleep(_ASK_S)
        if found := matching(_deployments(call), target):
            return found
    why = f"slipway hooks deliveries {target.awaited_hook}"
    call.out.hint(f"No delivery of {short} came: deploying it by hand. What the hook received: {why}")
    return None


def _is_head_without_changes(call: Invocation, skipped: Deployment) -> bool:
    """Was it skipped by the app's paths, and is it the branch's head still? Then what serves is what was asked for,
    and that is said."""
    serves = skipped["serving"]
    if skipped["reason"] != CHANGES_NOTHING or not serves or _target(call).commit != skipped["commit"]:
        return False
    call.out.hint(
        f"{skipped['commit'][:7]} is the branch's head, and changes nothing under the app's paths: "
        f"{release_of(serves)} serves it, as far as the app is made of it."
    )
    return True


def _serving_on_trial(call: Invocation, skipped: Deployment) -> Deployment | None:
    """What made this one be skipped, unless it has held already. It may have given way just now."""
    serves: Deployment = call.client.get(f"/deployments/{skipped['serving']['id']}")
    if not is_watched(serves) and serves["state"] != State.FAILED:
        return None
    call.out.hint(f"Deployment {serves['id']} serves it, and is still watched: it may give way.")
    return serves


def _instead_of(call: Invocation, ended: Deployment) -> Deployment:
    call.out.hint(
        f"Deployment {ended['id']} ({ended['commit'][:7] or ended['ref']}) ended as {ended['state']}: "
        f"{ended['detail'].rstrip('.')}. Going on with the branch's head."
    )
    return deployment_of_head(call)


def _by_hand(call: Invocation) -> Deployment:
    """A worker looks up what the app's branch or image is when it begins: a push meanwhile is not overtaken by it."""
    return made_by_hand(call, {})


def made_by_hand(call: Invocation, wanted: dict[str, Any]) -> Deployment:
    """A new deployment of what is `wanted` (`ref`, `image`, `rebuild`)."""
    made: Deployment = call.client.post(call.app_path("/deployments"), wanted, Idempotency_Key=str(uuid.uuid4()))
    return made


def _deployments(call: Invocation) -> list[Deployment]:
    return list(call.client.get(call.app_path("/deployments"), limit=_LISTED)["deployments"])
