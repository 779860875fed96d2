"""Which records of the step cache are removed with a deleted app: all except those known to be of other apps' builds.

BuildKit does not say which build made a record, only when it was made and last used. The time of every build is
recorded before the build begins. A record that was made or used while only other apps' builds ran belongs to them: a
build that uses a record has the same files, or runs the same command on them. Any other record is removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

MARGIN_S = 5.0
"""How long after a build's end BuildKit may still record that it used a record (measured: 0.05 s)."""
SOURCES = "source.local"
MOUNTS = "exec.cachemount"


@dataclass(frozen=True, slots=True)
class BuildRun:
    """One run of a build. Times are Unix seconds."""

    id: str
    app_id: int
    tenant_id: int
    deployment_id: int
    started: float
    ended: float
    """When it ended. While that is unknown, the latest time at which it can end."""


@dataclass(frozen=True, slots=True)
class CacheRecord:
    """A record of the step cache."""

    id: str
    kind: str
    """BuildKit's type, such as `regular`, `exec.cachemount` or `source.local`."""
    created: float
    used: float | None


@dataclass(frozen=True, slots=True)
class DeletedApp:
    """The app whose records are removed, by its id, or by its deployments when its id is not known any more."""

    app_id: int | None = None
    tenant_id: int | None = None
    deployment_ids: frozenset[int] = frozenset()

    def ran(self, run: BuildRun) -> bool:
        return run.app_id == self.app_id or run.deployment_id in self.deployment_ids


@dataclass(frozen=True, slots=True)
class KnownRuns:
    """The recorded builds. `since`: every build after that time is among them."""

    runs: list[BuildRun]
    since: float

    def newest(self, most: int) -> KnownRuns:
        """Only the newest. A record from the time of the others may be of any of them."""
        runs = sorted(self.runs, key=lambda run: run.started)
        left_out, kept = runs[:-most], runs[-most:]
        return KnownRuns(kept, max([self.since, *(run.ended + MARGIN_S for run in left_out)]))


def records_of(
    deleted: DeletedApp, records: Iterable[CacheRecord], known: KnownRuns, *, margin_s: float = MARGIN_S
) -> list[CacheRecord]:
    """The records to be removed with the app."""
    apps = {run.app_id for run in known.runs if deleted.ran(run)} | {deleted.app_id}
    tenants = {run.tenant_id for run in known.runs if deleted.ran(run)} | {deleted.tenant_id}

    def may_be_its(run: BuildRun, record: CacheRecord) -> bool:
        if record.kind == MOUNTS:  # every build of the tenant may have left something in it
            return run.tenant_id in tenants or tenants == {None}
        return run.app_id in apps

    def is_of_others(record: CacheRecord) -> bool:
        beside = [_during(moment, known, margin_s) for moment in _moments(record)]
        return any(runs and not any(may_be_its(run, record) for run in runs) for runs in beside)

    return [record for record in records if record.kind != SOURCES and not is_of_others(record)]


def _moments(record: CacheRecord) -> list[float]:
    """Times at which a build certainly used the record. Of a cache mount only its creation counts, which shows its
    tenant."""
    if record.kind == MOUNTS or record.used is None:
        return [record.created]
    return [record.created, record.used]


def _during(moment: float, known: KnownRuns, margin_s: float) -> Collection[BuildRun]:
    if moment < known.since:
        return ()
    return [run for run in known.runs if run.started <= moment <= run.ended + margin_s]
