"""Pushes that are forced, lost, doubled and swapped on their way to an app with a filter, with real git in between.
`make soak` plays more of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.core.deployment.states import BY_HAND, State
from slipway.demo.forge.forge import Forge
from slipway.models import Deployment
from tests.integration.agent.push_histories import History, World
from tests.integration.agent.rig import Rig

pytestmark = pytest.mark.histories

SEEDS, RUNS_OF_EACH = (1, 3), 4
"""Of the first four those that come to every way."""


@contextmanager
def running_world(template: Path) -> Iterator[World]:
    """All of it in memory. `template`: a migrated database."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-pushes-", dir="/dev/shm"))
    database = f"sqlite:///{shutil.copy(template, folder / 'slipway.db')}"
    rig = Rig(database, folder, scratch_dir=str(folder / "scratch"))
    try:
        with Forge(folder / "forge") as forge:
            yield World(rig, forge, folder)
    finally:
        rig.db.dispose()
        shutil.rmtree(folder)


def test_what_is_live_in_the_end_is_what_the_newest_head_asks_for(sqlite_template: Path) -> None:
    with running_world(sqlite_template) as world:
        assert every_way_was_taken(play(world, SEEDS, RUNS_OF_EACH))


def play(world: World, seeds: Iterable[int], runs_of_each: int) -> list[Deployment]:
    """Play one app for each seed; after each run, compare what is live with what ought to be."""
    rows: list[Deployment] = []
    for seed in seeds:
        history = History(world, seed)
        for run in range(runs_of_each):
            history.go_on()
            assert not history.wrong(), (seed, run, history.wrong(), history.heads, history.described())
        rows += history.rows()
        history.end()
    return rows


def every_way_was_taken(rows: list[Deployment]) -> bool:
    """Else a platform that deploys every push, because it can compare none, would be right, too."""
    skipped = {row.detail.partition(" differs from what is live")[0] for row in rows if row.state == State.SKIPPED}
    by_hand = [row for row in rows if row.kind in BY_HAND and row.live_at]
    return {"nothing under api/**", "nothing under docs/**"} <= skipped and bool(by_hand)
