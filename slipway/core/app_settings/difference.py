"""Who has to act on changed settings of an app: the edges, the replicas, the next build; nobody on what the file of the
live commit goes before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.app_settings.configuration import WEB
from slipway.core.app_settings.merge_patch import in_force
from slipway.core.app_settings.model import route_and_replicas
from slipway.core.previews import settings as preview_settings

FOR_BUILDS_ONLY = ("build", "static", "paths")
"""What no replica and no edge reads: a worker does, for the next push or build."""
_READ_BY_NONE = frozenset({*FOR_BUILDS_ONLY, preview_settings.NAME})
"""Of these nothing has to be deployed; `previews` counts for the next event of a pull request."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Who has to act on changed settings."""

    edges: bool
    replicas: bool
    builds: tuple[str, ...]
    """Which of those that only builds read."""
    names: tuple[str, ...]
    """All that differ."""
    behind_file: tuple[str, ...]
    """Those that the file of the live commit sets as well, such as `timeouts.probe_s`: its values hold."""
    first_scales: Mapping[str, int]
    """Processes with another number of replicas to begin with: it counts where a process never had a scale."""


def difference(before: dict[str, Any], after: dict[str, Any], file: dict[str, Any]) -> Difference:
    """What differs between an app's settings, as given through the API; `file` is what the slipway.toml of the live
    commit sets."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    edges_then, replicas_then = route_and_replicas(in_force(before, file))
    edges_now, replicas_now = route_and_replicas(in_force(after, file))
    return Difference(
        edges=edges_then != edges_now,
        replicas=_of_replicas(replicas_then) != _of_replicas(replicas_now),
        builds=tuple(name for name in FOR_BUILDS_ONLY if name in names),
        names=tuple(names),
        behind_file=tuple(_behind(before, after, file)),
        first_scales={
            process: replicas
            for process, replicas in _first_scales(after).items()
            if _first_scales(before).get(process) != replicas
        },
    )


def _behind(before: dict[str, Any], after: dict[str, Any], file: dict[str, Any], above: str = "") -> Iterator[str]:
    """Names of values that differ and are set in the file, table by table as `in_force` merges them."""
    for name in sorted(file.keys() & (before.keys() | after.keys())):
        then, now, holds = before.get(name), after.get(name), file[name]
        if isinstance(holds, dict):
            yield from _behind(_table(then), _table(now), holds, f"{above}{name}.")
        elif then != now:
            yield f"{above}{name}"


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_replicas(settings: dict[str, Any]) -> dict[str, Any]:
    """What running replicas would have to be replaced for: neither what builds read nor how many a process begins
    with. `web` is there without being named."""
    processes = {name: _without_scale(process) for name, process in (settings.get("processes") or {}).items()}
    named = {name: process for name, process in processes.items() if process or name != WEB}
    return {name: value for name, value in settings.items() if name not in _READ_BY_NONE} | {"processes": named}


def _without_scale(process: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in process.items() if name != "replicas"}


def _first_scales(settings: dict[str, Any]) -> dict[str, int]:
    processes: dict[str, dict[str, Any]] = settings.get("processes") or {}
    found = {name: process.get("replicas") for name, process in processes.items()}
    return {name: replicas for name, replicas in found.items() if replicas is not None}
