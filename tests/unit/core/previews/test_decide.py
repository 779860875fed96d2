"""What is done next for a preview, and what people read of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.deployment.states import State
from slipway.core.previews.decide import PreviewState, PreviewView, Step, decide, state_of

OLD, NEW = "a" * 40, "b" * 40
NEWLY_OPENED = PreviewView(
    is_open=True,
    is_enabled=True,
    is_expired=False,
    is_fork=False,
    head=NEW,
    approved_sha="",
    made_sha="",
    has_app=False,
)
MADE = replace(NEWLY_OPENED, made_sha=NEW, has_app=True)


@pytest.mark.parametrize(
    ("view", "room", "step"),
    [
        (NEWLY_OPENED, 1, Step.DEPLOY),
        (NEWLY_OPENED, 0, Step.AWAIT_ROOM),
        (MADE, 0, Step.NOTHING),
        (replace(MADE, made_sha=OLD), 0, Step.DEPLOY),
        (replace(MADE, is_open=False), 1, Step.REMOVE),
        (replace(MADE, is_enabled=False), 1, Step.REMOVE),
        (replace(MADE, is_expired=True), 1, Step.REMOVE),
        (replace(NEWLY_OPENED, is_open=False), 1, Step.NOTHING),
        (replace(NEWLY_OPENED, is_fork=True), 1, Step.AWAIT_APPROVAL),
        (replace(NEWLY_OPENED, is_fork=True, approved_sha=OLD), 1, Step.AWAIT_APPROVAL),
        (replace(NEWLY_OPENED, is_fork=True, approved_sha=NEW), 1, Step.DEPLOY),
        (replace(MADE, is_fork=True, made_sha=OLD, approved_sha=OLD), 1, Step.AWAIT_APPROVAL),
        (replace(NEWLY_OPENED, made_sha=NEW), 1, Step.NOTHING),
    ],
)
def test_the_next_step(view: PreviewView, room: int, step: Step) -> None:
    assert decide(view, room) is step


@pytest.mark.parametrize(
    ("view", "latest", "serves", "state"),
    [
        (MADE, State.LIVE, True, PreviewState.LIVE),
        (MADE, State.BUILDING, True, PreviewState.DEPLOYING),
        (MADE, None, False, PreviewState.DEPLOYING),
        (MADE, State.FAILED, False, PreviewState.FAILED),
        (MADE, State.FAILED, True, PreviewState.LIVE),
        (replace(MADE, has_app=False), None, False, PreviewState.REMOVED),
        (replace(MADE, is_expired=True), None, False, PreviewState.EXPIRED),
        (replace(MADE, is_open=False), State.LIVE, True, PreviewState.CLOSED),
        (replace(MADE, is_enabled=False), State.LIVE, True, PreviewState.CLOSED),
        (NEWLY_OPENED, None, False, PreviewState.DEPLOYING),
        (replace(NEWLY_OPENED, is_held_up=True), None, False, PreviewState.WAITING),
        (replace(NEWLY_OPENED, is_fork=True), None, False, PreviewState.AWAITING_APPROVAL),
    ],
)
def test_a_preview_is_in_a_state(view: PreviewView, latest: State | None, serves: bool, state: PreviewState) -> None:
    assert state_of(view, latest, serves=serves) is state
