"""A worker is free as soon as the image is recorded: rollouts that hang stop no build."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from builder import jobs
from builder.dependencies import Dependencies
from builder.sources.build_plan import BuildPlanner
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.templates.template import BaseImages
from slipway.domain import intents, lifecycle
from slipway.models import App, Deployment
from tests.building_fakes import FakeImages, FakeLog, FakePulls, FakeQueue, FakeSources
from tests.fixtures.waiting import eventually
from tests.integration.agent.rig import Rig

MAIN = "refs/heads/main"
COMMIT = "c" * 40


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(sqlite_url, tmp_path)
    yield made
    made.db.dispose()


class OneWorker:
    """Takes one deployment after the other from the queue, as a worker's process does; the agent has a pass when it is
    woken."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self._rig = rig
        self._queue = FakeQueue()
        self._queue.wake_agent = self._pass  # type: ignore[method-assign]
        self._sources = FakeSources(heads={MAIN: COMMIT})
        monkeypatch.setattr(jobs, "connected", self._connected)
        monkeypatch.setattr(jobs.settings, "load", lambda: rig.settings)

    @contextmanager
    def _connected(self, _settings: object) -> Iterator[Dependencies]:
        images = FakeImages()
        yield Dependencies(
            settings=self._rig.settings,
            db=self._rig.db,
            queue=cast(Any, self._queue),
            sources=self._sources,
            images=images,
            pulls=FakePulls(),
            build_planner=BuildPlanner(
                Rules(frozenset(["python"]), frozenset()), BaseImages("python", "python"), images, lambda: 20
            ),
            log=FakeLog(),
            vault=self._rig.vault,
        )

    def _pass(self, app_id: int) -> None:
        [app] = self._rig.all(App, id=app_id)
        self._rig.settle(app)

    def work(self, *queued: Deployment) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []

        def run() -> None:
            results.extend(jobs.build(each.id, each.attempt) for each in queued)

        threading.Thread(target=run, daemon=True).start()
        eventually(lambda: len(results) == len(queued), within_s=5, what="every job has ended")
        return results


def push(rig: Rig, name: str, **settings: Any) -> Deployment:
    app = rig.add_app(name, **settings)
    pushed = intents.Pushed(MAIN, COMMIT)
    made: Deployment = rig.intend(app, intents.push, pushed=pushed, idempotency_key=name, actor="a test")
    return made


def test_two_rollouts_that_hang_in_pre_deploy_do_not_stop_a_third_apps_build(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = OneWorker(rig, monkeypatch)
    rig.executor.held = True  # a pre-deploy command that does not end
    slow = [push(rig, name, pre_deploy="sleep 3600") for name in ("one", "two")]
    third = push(rig, "three")
    assert worker.work(*slow, third) == [{"state": "starting"}] * 3
    steps = [lifecycle.current_step(rig.deployment(each)) for each in (*slow, third)]
    assert [step and step["name"] for step in steps] == ["pre-deploy", "pre-deploy", "start"]
    assert rig.deployment(third).release_id is not None, "the agent has begun to roll it out"
