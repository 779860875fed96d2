"""A push whose head commit's message asks for no deployment gets one that ends as skipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.core.deployment.ordering import BRANCH_MOVED, SKIP_ASKED
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import Deployment
from tests.unit.builder.conftest import Rig

MARKED = "Fix a typo [skip ci]"


def marked(rig: Rig, message: str = MARKED, **how: Any) -> Deployment:
    push = rig.push(**how)
    rig.change(push, message=message)
    return push


def test_it_is_skipped_before_it_is_fetched(rig: Rig) -> None:
    push = marked(rig)
    assert rig.work(push) == "skipped"
    row = rig.row(push)
    assert (row.reason, row.detail) == (SKIP_ASKED, "the message of its head commit asks for no deployment: [skip ci]")
    assert row.remedy == "to deploy it all the same: slipway deploy"
    assert (rig.sources.repositories, rig.images.built) == ([], [])


def test_of_a_missed_push_the_message_is_read_when_it_is_fetched(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = rig.sources.fetch
    monkeypatch.setattr(rig.sources, "fetch", lambda *a, **k: replace(fetch(*a, **k), message=MARKED))
    push = marked(rig, "")
    assert rig.work(push) == "skipped"
    assert (rig.row(push).reason, rig.row(push).message) == (SKIP_ASKED, MARKED)
    assert rig.images.built == []


def test_a_deployment_by_hand_is_never_skipped_for_its_message(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = rig.sources.fetch
    monkeypatch.setattr(rig.sources, "fetch", lambda *a, **k: replace(fetch(*a, **k), message=MARKED))
    skipped = marked(rig)
    rig.work(skipped)
    assert rig.work(rig.deploy("refs/heads/main")) == "starting"


def test_what_is_no_longer_the_branchs_head_is_superseded(rig: Rig) -> None:
    push = marked(rig, head="f" * 40)
    assert rig.work(push) == "superseded"


@pytest.mark.parametrize("state", [State.QUEUED, State.BUILDING, State.STARTING, State.SUPERSEDED])
def test_a_push_that_takes_the_place_of_one_that_never_was_live_is_deployed(rig: Rig, state: State) -> None:
    earlier = rig.push()
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, earlier.id)
        for each in (State.FETCHING, State.BUILDING, State.STARTING):
            if State(row.state) != state and state is not State.QUEUED:
                lifecycle.advance(row, each)
        if state is State.SUPERSEDED:
            lifecycle.stop(row, state, "the branch has moved on", reason=BRANCH_MOVED)
    push = marked(rig)
    assert rig.work(push) == "starting"
    assert f"[skip ci] is not followed: deployment {earlier.id}" in "\n".join(rig.log.lines)


@pytest.mark.parametrize("state", [State.LIVE, State.FAILED, State.CANCELLED])
def test_after_a_push_that_has_come_to_its_end_it_is_skipped(rig: Rig, state: State) -> None:
    if state is State.LIVE:
        rig.live()
    else:
        earlier = rig.push()
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            row = session.get_one(Deployment, earlier.id)
            lifecycle.advance(row, State.FETCHING)
            lifecycle.advance(row, state)
    assert rig.work(marked(rig)) == "skipped"


def test_one_after_another_they_are_all_skipped(rig: Rig) -> None:
    rig.live()
    assert [rig.work(marked(rig)) for _ in range(3)] == ["skipped"] * 3
