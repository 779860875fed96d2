"""What an app needs next: desired and observed state in, actions out. No clock, no I/O, no memory of its own.

Every action can be repeated, and the plan is made anew from SQL and the runtime after each, so the next pass repairs
whatever a crash left undone. Where a deployment stands follows from its row alone:

    frozen      its release exists (`release_id` of a push, manual deployment or configuration change; a rollback has
                one from the first, and is frozen once it is `starting`)
    prepared    its pre-deploy command ended well, or it has none
    switched    its step `switch` is open: one transaction gave its replicas the targets and noted the generation
    live        its row says so: another transaction, after **every edge confirmed** that generation, made it live and
                the old one retired

Between switched and live both releases' replicas run: the old deployment is still the live one, so its replicas are
wanted and nothing drains them. A crash there leaves a `starting` row with an open `switch` step, and the next pass goes
on waiting for the same generation. When it isn't confirmed in time the deployment fails, the live one is still the
old one, and the targets go back to its replicas, which were running all along.

Once live a release is watched for a while (`core.rollout.watch`): its step `watch` is open, and the replicas of the
release before run on. Only when the watch is over do they drain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.core.app_settings.configuration import WEB
from slipway.core.rollout import replica_failures, watch
from slipway.core.rollout.actions import (
    Action,
    Adopt,
    CreateReplica,
    Drain,
    EndDrain,
    Fail,
    Freeze,
    GoLive,
    Launch,
    MarkCrashed,
    MarkReady,
    Plan,
    ProbeReplica,
    Remove,
    Reuse,
    RunPreDeploy,
    SetTargets,
    Stop,
    Switch,
)
from slipway.core.rollout.backoff import failures_in_a_row, restart_delay_s
from slipway.core.rollout.failure import PROBE_FAILED, Failure
from slipway.core.rollout.replica_states import CRASHED, DRAINING, READY
from slipway.core.rollout.view import Probe, Release, Replica, Rolling, View

SETTLED_S = 1.0
"""A process without a port counts as ready once it has run for this long."""
NOT_HTTP_ROUNDS = 5
"""So many rounds of a second, in a row, that ended with something that is not HTTP: no waiting makes HTTP of it."""
WAIT_S = 0.25
"""How soon to check again what nothing reports when it changes."""


@dataclass(frozen=True)
class _RecheckAt:
    """Nothing to do before this time (Unix seconds)."""

    at: float


_Step = Action | _RecheckAt


def decide(view: View) -> Plan:
    """What to do next: ends come first, then the route table, then replicas and the deployment's next step."""
    steps: list[_Step] = (
        [*_stops(view)] or [*watch.verdict(view)] or [*_wrong_targets(view)] or [*_work(view), *_watch(view)]
    )
    actions = [step for step in steps if not isinstance(step, _RecheckAt)]
    failures = [action for action in actions if isinstance(action, Fail)]
    recheck_at = min((step.at for step in steps if isinstance(step, _RecheckAt)), default=None)
    return Plan(tuple(failures[:1] or actions), recheck_at)


def _stops(view: View) -> Iterator[Action]:
    """Deployments that shall not go on."""
    for each in view.stopped:
        yield Stop(each.deployment_id, each.state, each.why)
    rolling = view.rolling
    if rolling and not rolling.verdict.goes_on and not rolling.switched:
        yield Stop(rolling.deployment_id, rolling.verdict.end, rolling.verdict.why, rolling.verdict.reason)


def _wrong_targets(view: View) -> Iterator[Action]:
    """The route table names the serving release's ready replicas, those of the release before as standby, and no
    other."""
    right = watch.serving_ids(view, view.serving)
    standby = tuple(each for each in watch.serving_ids(view, view.standby) if each not in right)
    named = {each.id for each in view.replicas if each.target}, {each.id for each in view.replicas if each.standby}
    if (set(right), set(standby)) != named:
        yield SetTargets(WEB, right, standby)


def _watch(view: View) -> Iterator[_Step]:
    plan = watch.probes_or_end(view)
    yield from plan.actions
    if plan.recheck_at is not None:
        yield _RecheckAt(plan.recheck_at)


def _work(view: View) -> Iterator[_Step]:
    """Retire what is not wanted, reconcile the replicas of what is live, roll out what comes."""
    rolling, live = view.rolling, view.live
    coming = None if rolling and _is_held_back(view, rolling) else _coming(rolling)
    if live and coming and not _may_stay(live.release, coming):
        live = None  # the app can't run twice: the old one stops before the new one starts
    before = live.watch.previous.release if live and live.watch and live.watch.previous else None
    if before and coming and not _may_stay(before, coming):
        before = None
    kept = {release.id for release in (live.release if live else None, before, coming) if release}
    leaving = [each for each in view.replicas if each.release_id not in kept]
    if before and not (coming and coming.id == before.id):
        leaving += [each for each in view.replicas if each.release_id == before.id and each.state == DRAINING]
    for replica in leaving:
        yield from _retire(view, replica)
    if live and (coming is None or live.release.id != coming.id) and not _must_wait(live.release, leaving):
        yield from _reconcile_replicas(view, live.release, live.deployment_id, rolled_out=True)
    if rolling:
        yield from _roll_out(view, rolling, leaving)
    if view.live and view.live.draining and not view.live.watch and not leaving:
        yield EndDrain(view.live.deployment_id)


def _coming(rolling: Rolling | None) -> Release | None:
    """The release that takes the place of the live one, from when its containers may be made."""
    if rolling is None or rolling.release is None:
        return None
    prepared = rolling.pre_deploy in ("none", "done")
    return rolling.release if prepared or _prepares_alone(rolling.release) else None


def _is_held_back(view: View, rolling: Rolling) -> bool:
    """Does a run keep the release from starting? Then what is live runs on meanwhile."""
    release = rolling.release
    if release is None or any(each.release_id == release.id for each in view.replicas):
        return False
    if rolling.pre_deploy in ("due", "running"):  # the command mounts all volumes
        return rolling.pre_deploy == "due" and bool(release.held_back)
    return any(release.wanted.get(process) for process in release.held_back)


def _prepares_alone(release: Release) -> bool:
    """May its pre-deploy command not run beside other releases, because of a volume?"""
    return release.exclusive or bool(release.excludes)


def _may_stay(release: Release, coming: Release) -> bool:
    """May its replicas run on while those of the coming release start?"""
    return release.id == coming.id or coming.runs_beside(release.id)


def _must_wait(release: Release, leaving: list[Replica]) -> bool:
    """Is a replica still there that the release may not start beside?"""
    return any(not release.runs_beside(each.release_id) for each in leaving)


def _roll_out(view: View, rolling: Rolling, leaving: list[Replica]) -> Iterator[_Step]:
    """The deployment's next step."""
    release = rolling.release
    if release is None:
        yield Freeze(rolling.deployment_id)
    elif _is_held_back(view, rolling):
        return
    elif rolling.pre_deploy == "due" and not (_prepares_alone(release) and _must_wait(release, leaving)):
        yield RunPreDeploy(rolling.deployment_id)
    elif rolling.pre_deploy in ("due", "running") or (not rolling.switched and _must_wait(release, leaving)):
        return
    elif rolling.switched:
        yield from _reconcile_replicas(view, release, rolling.deployment_id, rolled_out=True)
        yield from _await_edges(view, rolling)
    else:
        yield from _reconcile_replicas(view, release, rolling.deployment_id, rolled_out=False)
        if _all_ready(view, release):
            yield _switch(view, rolling, release)


def _switch(view: View, rolling: Rolling, release: Release) -> Switch:
    ready = watch.serving_ids(view, release)
    before = watch.serving_ids(view, view.live.release if view.live and release.watch_s else None)
    return Switch(rolling.deployment_id, ready, tuple(each for each in before if each not in ready))


def _all_ready(view: View, release: Release) -> bool:
    ready = [each.process for each in view.replicas if each.release_id == release.id and each.state == READY]
    return all(ready.count(process) >= count for process, count in release.wanted.items())


def _await_edges(view: View, rolling: Rolling) -> Iterator[_Step]:
    """A deployment is live only once every edge has confirmed its switch."""
    assert rolling.switched is not None  # noqa: S101 - the caller checked
    generation, since = rolling.switched.generation, rolling.switched.since
    if view.confirmed is not None and view.confirmed >= generation:
        yield GoLive(rolling.deployment_id, generation)
    elif view.now - since >= view.confirm_timeout_s:
        message = f"an edge has not confirmed generation {generation} within {view.confirm_timeout_s:g} s"
        remedy = "see which one: slipway doctor; then deploy again"
        yield Fail(rolling.deployment_id, Failure("edge-unconfirmed", message, remedy))
    else:
        yield _RecheckAt(min(view.now + WAIT_S, since + view.confirm_timeout_s))


def _reconcile_replicas(view: View, release: Release, deployment_id: int, *, rolled_out: bool) -> Iterator[_Step]:
    """As many replicas of each process as wanted: take back draining ones, create, drain the surplus, reconcile each
    of the others.

    Before the switch (`rolled_out` False) a replica that fails ends the deployment; afterwards it is started again.
    """
    for process, count in release.wanted.items():
        members = [each for each in view.replicas if each.release_id == release.id and each.process == process]
        staying = sorted((each for each in members if each.state != DRAINING), key=lambda each: each.slot)
        staying.sort(key=lambda each: each.state != READY)
        for surplus in staying[count:]:
            yield Drain(surplus.id)
        for replica in staying[:count]:
            yield from _reconcile_replica(view, release, replica, None if rolled_out else deployment_id)
        leaving = [each for each in members if each.state == DRAINING]
        for replica in leaving:
            if count <= len(staying) or (release.exclusive and not _can_be_reused(replica)):
                yield from _retire(view, replica)
        yield from _add_replicas(release, process, members, count - len(staying), deployment_id)


def _add_replicas(
    release: Release, process: str, members: list[Replica], missing: int, deployment_id: int
) -> Iterator[Action]:
    """Fill what is missing, with draining replicas where they can still be reused."""
    if missing <= 0:
        return
    leaving = [each for each in members if each.state == DRAINING]
    reusable = [each for each in leaving if _can_be_reused(each)]
    for replica in reusable[:missing]:
        yield Reuse(replica.id)
    if (release.exclusive and leaving) or process in release.held_back:
        return  # the next one starts when what it would share a volume with is gone
    taken = {each.slot for each in members}
    free = (slot for slot in range(1, len(taken) + missing + 1) if slot not in taken)
    for _ in range(missing - len(reusable)):
        yield CreateReplica(release.id, process, next(free), deployment_id)


def _can_be_reused(replica: Replica) -> bool:
    return replica.runs and not (replica.busy or replica.stopping)


def _reconcile_replica(view: View, release: Release, replica: Replica, rolling_id: int | None) -> Iterator[_Step]:
    """One replica that shall run: start it, probe it, mark it crashed when its container ended."""
    container = replica.container
    if replica.busy:
        return
    if replica.refusal:
        yield _broken(view, replica, rolling_id, replica.refusal)
    elif replica.state == CRASHED:
        if replica.retry_at is None or view.now >= replica.retry_at:
            yield Launch(replica.id)
        else:
            yield _RecheckAt(replica.retry_at)
    elif replica.recorded is None and not replica.runs:
        yield Launch(replica.id)
    elif container is None:
        yield _broken(view, replica, rolling_id, replica_failures.vanished(replica))
    elif container.id != replica.recorded:
        yield Adopt(replica.id, container.id)
    elif not container.running:
        yield _broken(view, replica, rolling_id, replica_failures.ended(replica, release.memory_bytes))
    elif replica.state != READY:
        yield from _get_ready(view, release, replica, rolling_id)


def _get_ready(view: View, release: Release, replica: Replica, rolling_id: int | None) -> Iterator[_Step]:
    started_at = replica.container.started_at if replica.container else None
    age_s = view.now - (view.now if started_at is None else started_at)
    if replica.process != WEB:
        yield MarkReady(replica.id) if age_s >= SETTLED_S else _RecheckAt(view.now + SETTLED_S - age_s)
    elif replica.probe and replica.probe.error is None:
        yield MarkReady(replica.id)
    elif replica.probe and (age_s >= release.probe_timeout_s or replica.probe.not_http >= NOT_HTTP_ROUNDS):
        yield _broken(view, replica, rolling_id, _probe_failure(replica.probe))
    else:
        yield ProbeReplica(replica.id)


def _probe_failure(probe: Probe) -> Failure:
    tries = f"{probe.pace.tries} tries" if probe.pace.tries != 1 else "1 try"
    error = probe.error
    assert error is not None  # noqa: S101 - the caller checked
    return Failure(PROBE_FAILED, f"{error.message} ({tries})", probe=error)


def _broken(view: View, replica: Replica, rolling_id: int | None, failure: Failure) -> Action:
    """Before the switch the deployment fails; afterwards the replica is started again, later each time."""
    ended = replica.container if replica.container and not replica.runs else None
    if rolling_id is not None:
        return Fail(rolling_id, failure, replica.id, ended)
    ready_for_s = view.now - replica.ready_at if replica.ready_at is not None else None
    restarts = failures_in_a_row(replica.restarts, ready_for_s)
    exit_code = ended.exit_code if ended else None
    return MarkCrashed(replica.id, exit_code, restarts, view.now + restart_delay_s(restarts), failure.message, ended)


def _retire(view: View, replica: Replica) -> Iterator[_Step]:
    """Out of the route table, quiet, then gone."""
    if replica.busy:
        return
    if replica.state != DRAINING:
        yield Drain(replica.id)
    elif _is_quiet(view, replica):
        under_way = replica.draining.inflight if replica.draining and replica.runs else None
        yield Remove(replica.id, under_way or 0)
    else:
        yield _RecheckAt(view.now + WAIT_S)


def _is_quiet(view: View, replica: Replica) -> bool:
    """May it be stopped? Never before every edge confirmed that it gets no new request, however long that takes."""
    draining = replica.draining
    if draining is None or draining.removed_in is None or not replica.runs or replica.stopping:
        return True
    if draining.confirmed_at is None:
        return False
    waited_s = view.now - draining.confirmed_at
    if draining.inflight == 0 or waited_s >= max(draining.grace_s, draining.stream_grace_s):
        return True
    return waited_s >= draining.grace_s and draining.streams == 0
