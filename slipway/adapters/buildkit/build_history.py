"""A file with the times at which each app's builds ran on this host: one line when a build begins, one when it ends.

The first line is on disk before the build begins. When the file is lost, a step that was built before may be any app's.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from slipway.core.build.step_cache import BuildRun, KnownRuns

MAX_BYTES = 8 << 20
KEPT_RUNS = 20_000


class BuildHistory:
    """The history in `folder`, shared by all workers and the agent."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._path = folder / "history"
        self._clock = clock
        self._max_bytes = max_bytes

    @contextmanager
    def running(self, *, app_id: int, tenant_id: int, deployment_id: int, longest_s: float) -> Iterator[None]:
        """Record a build that runs for the length of the block, and no longer than `longest_s` even when its worker is
        killed."""
        began = self._clock()
        run = BuildRun(secrets.token_hex(8), app_id, tenant_id, deployment_id, began, began + longest_s)
        self._append(asdict(run), durably=True)
        try:
            yield
        finally:
            self._append({"id": run.id, "ended": self._clock()}, durably=False)  # without this line, `longest_s` counts

    def known(self) -> KnownRuns:
        """All runs in the file."""
        with self._locked():
            return self._read()

    def _append(self, line: dict[str, Any], *, durably: bool) -> None:
        with self._locked():
            if not self._path.exists():
                self._write(KnownRuns([], self._clock()))
            elif self._path.stat().st_size > self._max_bytes:
                self._write(self._read().newest(KEPT_RUNS))
            with self._path.open("a") as file:
                _write_lines(file, [line], durably=durably)

    def _read(self) -> KnownRuns:
        since, runs = self._clock(), dict[str, BuildRun]()
        for line in self._lines():
            if "since" in line:
                since = line["since"]
            elif "started" in line:
                runs[line["id"]] = BuildRun(**line)
            elif line["id"] in runs:
                runs[line["id"]] = replace(runs[line["id"]], ended=line["ended"])
        return KnownRuns(list(runs.values()), since)

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self._path.exists():
            return
        for text in self._path.read_text().splitlines():
            try:
                yield _renamed(json.loads(text))
            except json.JSONDecodeError:
                continue  # the host lost its power while this line was written

    def _write(self, known: KnownRuns) -> None:
        aside = self._path.with_suffix(".new")
        with aside.open("w") as file:
            _write_lines(file, [{"since": known.since}, *map(asdict, known.runs)], durably=True)
        aside.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "history.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _renamed(line: dict[str, Any]) -> dict[str, Any]:
    """Lines of earlier versions call the start `begun`."""
    return {"started" if key == "begun" else key: value for key, value in line.items()}


def _write_lines(file: TextIO, lines: list[dict[str, Any]], *, durably: bool) -> None:
    """Each line begins with a line break, because the line before it may have been cut off."""
    file.write("".join(f"\n{json.dumps(line)}" for line in lines) + "\n")
    file.flush()
    if durably:
        os.fsync(file.fileno())
