"""The watch over a new release: what is evidence against it, when it gives way, and when the watch is over.

A release that answered once may still fail. For a while after the switch its replicas are probed each
second, and the replicas of the release before run on, as standby. Evidence is a replica that ended, or one that
answered no probe several times in a row. It counts only while the release before could serve: when everything ends at
the same time (the Engine was restarted) nothing is known against the new one.
"""

from __future__ import annotations

from collections.abc import Iterator

from slipway.core.app_settings.configuration import WEB
from slipway.core.rollout import replica_failures
from slipway.core.rollout.actions import Action, EndWatch, Fail, GiveWay, Plan, ProbeWatched
from slipway.core.rollout.failure import Failure
from slipway.core.rollout.replica_states import CRASHED, DRAINING, READY
from slipway.core.rollout.view import Previous, Release, Replica, View, Watch

EVERY_S = 1.0
"""How often a ready replica is probed."""
FAILURES = 3
"""So many probes in a row that get no answer are evidence."""
LONGEST_EXTENSION_S = 30.0
"""A watch whose time is over while a replica is not ready, or a probe of it failed, goes on for so long at most."""


def verdict(view: View) -> Iterator[Action]:
    """The one action that follows from evidence against a new release, if there is any."""
    rolling = view.rolling
    if rolling and rolling.switched:
        if rolling.release and view.live and _could_take_over(view, view.live.release, rolling.release):
            for replica, failure in _evidence(view, rolling.release, rolling.switched.since):
                yield Fail(rolling.deployment_id, failure, replica.id)
                return
    elif view.live and view.live.watch:
        interrupts = not _runs_beside(view.live.release, view.live.watch.previous)
        for replica, failure in _evidence(view, view.live.release, view.live.watch.since, interrupts=interrupts):
            yield _consequence(view, view.live.watch, replica, failure)
            return


def probes_or_end(view: View) -> Plan:
    """The probes that are due, or the end of the watch."""
    live = view.live
    if live is None or live.watch is None or (view.rolling and view.rolling.switched):
        return Plan()
    members = _members(view, live.release)
    if _is_over(view, live.watch, members):
        return Plan((EndWatch(live.deployment_id),))
    web = [each for each in members if each.process == WEB and each.state == READY and not each.watch_probe_runs]
    due = {each.id: (each.watch_probe.ended_at if each.watch_probe else live.watch.since) + EVERY_S for each in web}
    probes = tuple(ProbeWatched(replica_id) for replica_id, at in due.items() if at <= view.now)
    later = [at for at in due.values() if at > view.now]
    return Plan(probes, min([*later, live.watch.until if live.watch.until > view.now else view.now + EVERY_S]))


def serving_ids(view: View, release: Release | None) -> tuple[str, ...]:
    """A release's replicas that could serve at once."""
    if release is None:
        return ()
    ready = (each.id for each in view.replicas if each.release_id == release.id and can_serve(each))
    return tuple(sorted(ready))


def can_serve(replica: Replica) -> bool:
    return replica.process == WEB and replica.state == READY and replica.runs


def _consequence(view: View, watch: Watch, replica: Replica, failure: Failure) -> Action:
    live = view.live
    assert live is not None  # noqa: S101 - the caller checked
    previous = watch.previous
    if previous and (not _runs_beside(live.release, previous) or _could_serve(view, previous.release)):
        ids = serving_ids(view, previous.release)
        return GiveWay(live.deployment_id, previous.deployment_id, failure, replica.id, ids)
    return EndWatch(live.deployment_id, failure)


def _evidence(
    view: View, release: Release, since: float, *, interrupts: bool = False
) -> Iterator[tuple[Replica, Failure]]:
    """Where giving way costs an interruption (`interrupts`), a replica that ended has to end once more after it was
    started again. One that stopped answering is not started again, so it counts at once."""
    for replica in _members(view, release):
        container = replica.container
        is_recorded = container is not None and container.id == replica.recorded
        if replica.state == CRASHED or replica.busy:
            continue
        if is_recorded and not replica.runs:
            if interrupts and not replica.restarts:
                continue
            yield replica, replica_failures.ended(replica, release.memory_bytes)
        elif _is_unanswered(replica, since):
            yield replica, replica_failures.unanswered(replica)


def _is_unanswered(replica: Replica, since: float) -> bool:
    probe = replica.watch_probe
    return probe is not None and probe.ended_at >= since and probe.failures >= FAILURES


def _members(view: View, release: Release) -> list[Replica]:
    return [
        each
        for each in view.replicas
        if each.release_id == release.id and each.state != DRAINING and release.wanted.get(each.process)
    ]


def _runs_beside(release: Release, previous: Previous | None) -> bool:
    """Does the release before it run on, so that giving way interrupts nothing?"""
    return release.runs_beside(previous.release.id) if previous else not release.recreate


def _could_take_over(view: View, before: Release, release: Release) -> bool:
    """Could the release before serve, and was it not stopped for this one?"""
    return release.runs_beside(before.id) and _could_serve(view, before)


def _could_serve(view: View, release: Release) -> bool:
    """Visitors need one ready web replica, whatever became of other processes. Without a web process, each that is
    wanted needs a replica that runs."""
    if release.wanted.get(WEB):
        return bool(serving_ids(view, release))
    ready = [each for each in view.replicas if each.state == READY and each.runs and each.release_id == release.id]
    return {each.process for each in ready} >= {process for process, count in release.wanted.items() if count}


def _is_over(view: View, watch: Watch, members: list[Replica]) -> bool:
    if not members or view.now >= watch.until + LONGEST_EXTENSION_S:
        return True
    settled = all(each.state == READY and not each.watch_probe_runs and _answered(each) for each in members)
    return view.now >= watch.until and settled


def _answered(replica: Replica) -> bool:
    return replica.watch_probe is None or not replica.watch_probe.failures
