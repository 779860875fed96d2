"""Where an app keeps its data: what a release mounts, what each volume is called, and what sharing one means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from slipway.core.build.image_volumes import mountable
from slipway.core.text.counting import plural
from slipway.errors import InvalidInput

NAME_MAX = 40
_PLAIN = re.compile(r"[a-z0-9/]+")


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume at its path in an app's containers."""

    name: str
    """Within the app and environment."""
    path: str
    processes: tuple[str, ...] = ()
    """Those that mount it; empty: every one."""
    read_only: bool = False
    shared: bool | None = None
    """May several containers have it at one time? None: nobody said so, and they do."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Mount:
        return cls(**{**values, "processes": tuple(values["processes"])})

    def is_mounted_by(self, process: str) -> bool:
        return not self.processes or process in self.processes


def mounts(declared: Sequence[Mount], image_paths: Iterable[str], processes: Collection[str]) -> tuple[Mount, ...]:
    """What a release mounts: what the settings declare, and the image's own VOLUMEs at other paths.

    Raises:
        InvalidInput: two volumes have one name, a process does not exist, or a volume that is not shared has no single
            process.
    """
    taken = {each.path for each in declared}
    of_image = [Mount(default_name(path), path) for path in mountable(image_paths) if path not in taken]
    found = (*declared, *of_image)
    _refuse_same_name(found)
    for each in declared:
        _refuse_unknown_process(each, processes)
        if each.shared is False:
            _single_process(each, processes)
    return found


def default_name(path: str) -> str:
    """The name of a volume that has none: of `/var/lib/data` it is `var-lib-data`. Different paths give different
    names: where letters get lost, a digest of the path follows."""
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")
    if _PLAIN.fullmatch(path) and len(name) <= NAME_MAX:
        return name
    digest = sha256(path.encode()).hexdigest()[:8]
    return f"{name[: NAME_MAX - 9].rstrip('-')}-{digest}"


def exclusive_processes(found: Iterable[Mount], processes: Collection[str]) -> frozenset[str]:
    """The processes that mount a volume that is not shared: of each one replica may run."""
    return frozenset(_single_process(each, processes) for each in found if each.shared is False)


def exclude_each_other(one: Collection[Mount], other: Collection[Mount]) -> bool:
    """Does one of two containers mount a volume that the other does not share?"""
    return unshared(one, other) is not None


def unshared(one: Collection[Mount], other: Collection[Mount]) -> Mount | None:
    """A mount of one, whose volume the other mounts as well and one of the two does not share."""
    pairs = ((mount, each) for mount in one for each in other if mount.name == each.name)
    return next((mount for mount, each in pairs if mount.shared is False or each.shared is False), None)


def sharing_notices(
    found: Iterable[Mount], replicas: Mapping[str, int], *, recreate: bool, no_longer: Iterable[Mount] = ()
) -> list[str]:
    """What a deployment says about the volumes that several containers write to without anybody having said that they
    may, and about those that its predecessor mounted and it does not.

    Args:
        replicas: how many of each process are wanted.
        recreate: the old release stops before this one starts.
    """
    shared = (_sharing_notice(each, replicas, recreate=recreate) for each in found)
    gone = "is no longer mounted. Its data is kept: slipway volumes"
    kept = [f"Volume {each.name} ({each.path}) {gone}" for each in no_longer]
    return [notice for notice in shared if notice] + kept


def _sharing_notice(mount: Mount, replicas: Mapping[str, int], *, recreate: bool) -> str:
    if mount.shared is not None or mount.read_only:
        return ""
    writers = sum(count for process, count in replicas.items() if mount.is_mounted_by(process))
    several = f"{plural(writers, 'replica')} write to it at the same time" if writers > 1 else ""
    overlap = "" if recreate else "during a rollout the old and the new release write to it at the same time"
    what = ", and ".join(filter(None, (overlap, several)))
    if not what:
        return ""
    return (
        f"Volume {mount.name} ({mount.path}) is shared: {what}. "
        "An app that can't bear that needs shared = false under [[volumes]]; shared = true says that it can."
    )


def _refuse_same_name(found: Sequence[Mount]) -> None:
    names = Counter(each.name for each in found)
    for each in found:
        if names[each.name] > 1:
            paths = " and ".join(other.path for other in found if other.name == each.name)
            raise InvalidInput(
                f"two volumes are called {each.name}: {paths}", remedy="give one another name under [[volumes]]"
            )


def _refuse_unknown_process(mount: Mount, processes: Collection[str]) -> None:
    for each in mount.processes:
        if each not in processes:
            raise InvalidInput(
                f"the volume {mount.name} names the process {each}, which the app does not have",
                remedy=f"it has: {', '.join(sorted(processes))}",
            )


def _single_process(mount: Mount, processes: Collection[str]) -> str:
    who = sorted(process for process in processes if mount.is_mounted_by(process))
    if len(who) != 1:
        raise InvalidInput(
            f"the volume {mount.name} is not shared, but {' and '.join(who)} would mount it",
            remedy=f'name one (processes = ["{who[0]}"] under [[volumes]]), or let them share it: shared = true',
        )
    return who[0]
