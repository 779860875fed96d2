"""Lists the records of BuildKit's step cache with their times, and removes them by their ids, through the Engine's
API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from slipway.adapters.docker.engine_calls import EngineCalls, within
from slipway.core.build.step_cache import CacheRecord
from slipway.errors import DependencyUnavailable

TIMEOUT_S = 300.0
LISTING_TIMEOUT_S = 20.0
_AT_A_TIME = 200
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")
_BUSY = "already running"


class StepCache:
    """The step cache of the Engine at `docker_host`. Raises `DependencyUnavailable` when the Engine fails."""

    def __init__(self, docker_host: str) -> None:
        self._engine = EngineCalls(docker_host)

    def records(self) -> list[CacheRecord]:
        """All records that no build uses at the moment."""
        return [_record(each) for each in self._listed() if not each["InUse"]]

    def remove(self, ids: Collection[str]) -> None:
        """Remove these records, except those that a remaining record is based on."""
        left = set(ids)
        while left:
            for some in _parts(sorted(left)):
                self._prune(some)
            remaining = left & {each["ID"] for each in self._listed()}
            if len(remaining) == len(left):
                return
            left = remaining

    def _listed(self) -> list[dict[str, Any]]:
        """The Engine makes one such list at a time, and refuses a second one meanwhile."""
        until = time.monotonic() + LISTING_TIMEOUT_S
        while True:
            status, document = self._ask("GET", "/system/df")
            if status == 200:
                return document["BuildCache"] or []
            if _BUSY not in str(document) or time.monotonic() > until:
                raise _refused("list the step cache", document)
            time.sleep(0.2)

    def _prune(self, ids: Collection[str]) -> None:
        """The Engine takes a single filter by id, which is a regular expression: one that matches all the ids."""
        filters = json.dumps({"id": {f"^({'|'.join(map(re.escape, ids))})$": True}})
        status, document = self._ask("POST", f"/build/prune?{urlencode({'all': '1', 'filters': filters})}")
        if status != 200:
            raise _refused("remove records of the step cache", document)

    def _ask(self, method: str, target: str) -> tuple[int, Any]:
        late = within(TIMEOUT_S, lambda: _refused("answer in time", None))
        return self._engine.ask(method, target, watch=late)


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(ids), _AT_A_TIME):
        yield ids[begin : begin + _AT_A_TIME]


def _record(listed: dict[str, Any]) -> CacheRecord:
    used = listed.get("LastUsedAt")
    return CacheRecord(listed["ID"], listed["Type"], _time(listed["CreatedAt"]), _time(used) if used else None)


def _time(text: str) -> float:
    return datetime.fromisoformat(_NANOSECONDS.sub(r"\1", text)).timestamp()


def _refused(what: str, document: Any) -> DependencyUnavailable:
    why = f": {document['message']}" if isinstance(document, dict) and "message" in document else ""
    return DependencyUnavailable(f"the Docker Engine did not {what}{why}", remedy="slipway doctor")
