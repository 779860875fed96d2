from __future__ import annotations

from pathlib import Path

import pytest

from slipway.adapters.buildkit import build_history
from slipway.adapters.buildkit.build_history import BuildHistory


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        self.at += 1
        return self.at


def build(history: BuildHistory, app_id: int) -> None:
    with history.running(app_id=app_id, tenant_id=7, deployment_id=app_id * 10, longest_s=60):
        pass


def test_builds_are_recorded_for_all_who_share_the_folder(tmp_path: Path) -> None:
    clock = Clock()
    assert BuildHistory(tmp_path, clock).known().runs == []
    build(BuildHistory(tmp_path, clock), 1)
    build(BuildHistory(tmp_path, clock), 2)
    known = BuildHistory(tmp_path, clock).known()
    assert [(run.app_id, run.tenant_id, run.deployment_id) for run in known.runs] == [(1, 7, 10), (2, 7, 20)]
    assert all(known.since > run.started - 2 and run.ended == run.started + 2 for run in known.runs[:1])
    assert known.since < known.runs[1].started < known.runs[1].ended


def test_one_that_runs_or_was_killed_counts_for_as_long_as_it_may_take(tmp_path: Path) -> None:
    history = BuildHistory(tmp_path, Clock())
    with history.running(app_id=1, tenant_id=7, deployment_id=10, longest_s=60):
        [run] = history.known().runs
    assert run.ended == run.started + 60


def test_half_a_line_costs_no_other(tmp_path: Path) -> None:
    history = BuildHistory(tmp_path, Clock())
    build(history, 1)
    with (tmp_path / "history").open("a") as file:
        file.write('{"id": "cut o')
    build(history, 2)
    assert [run.app_id for run in history.known().runs] == [1, 2]


def test_a_lost_file_is_started_again_and_has_the_time_of_that(tmp_path: Path) -> None:
    clock = Clock()
    history = BuildHistory(tmp_path, clock)
    build(history, 1)
    (tmp_path / "history").unlink()
    lost_at = clock.at
    build(history, 2)
    assert [run.app_id for run in history.known().runs] == [2]
    assert history.known().since > lost_at


def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_history, "KEPT_RUNS", 3)
    history = BuildHistory(tmp_path, Clock(), max_bytes=2000)
    with history.running(app_id=99, tenant_id=7, deployment_id=990, longest_s=10_000):
        for app_id in range(20):
            build(history, app_id)
    assert (tmp_path / "history").stat().st_size < 3000
    known = history.known()
    assert known.runs[-1].app_id == 19
    assert known.since > 10_000, "one that is left out may still run"


def test_lines_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    history = BuildHistory(tmp_path, Clock())
    build(history, 1)
    file = tmp_path / "history"
    file.write_text(file.read_text().replace('"started"', '"begun"'))
    [run] = history.known().runs
    assert run.started < run.ended < run.started + 60
