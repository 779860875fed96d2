"""What the agent says of previews at the forge, and what it asks there."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from builder.agent.previews.comments import PreviewComments
from builder.agent.previews.missed_events import MissedEvents
from slipway.adapters.pull_requests.client import PullRequests
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import Deployment, Preview, now
from slipway.settings import ForgeToken
from tests.fixtures import forge_deliveries as made
from tests.fixtures.pull_request_forge import PullRequestForge, pull_request_forge
from tests.integration.agent.previews.conftest import FIRST, SECOND, Previews

__all__ = ["pull_request_forge"]
FORGES = PullRequests([ForgeToken("github", "https://github.example", "token")], ["github.example/a"])


class Loops:
    def __init__(self, previews: Previews, forge: PullRequestForge) -> None:
        self.previews = previews
        self.forge = forge
        self.ahead_s = 0.0
        self.comments = PreviewComments(previews.rig.db, FORGES, previews.rig.settings, clock=lambda: self.ahead_s)
        self.missed = MissedEvents(previews.rig.db, FORGES)

    def said(self) -> str:
        """What the only comment says, without its mark."""
        self.previews.look()
        self.comments.look()
        [body] = self.forge.bodies()
        return body.partition("\n")[2]

    def advance(self, *states: State) -> None:
        with self.previews.rig.db.write(platform="a test") as session:
            row = session.query(Deployment).order_by(Deployment.id.desc()).limit(1).one()
            for state in states:
                lifecycle.advance(row, state)


@pytest.fixture
def loops(previews: Previews, pull_request_forge: PullRequestForge) -> Loops:
    """The app's repository was built of before."""
    previews.rig.live(previews.parent)
    return Loops(previews, pull_request_forge)


def test_one_comment_follows_the_preview_to_its_end(loops: Loops) -> None:
    loops.previews.event()
    assert loops.said() == "**Preview of `shop`** at `1111111`: it is being deployed."
    loops.advance(State.FETCHING, State.BUILDING, State.STARTING, State.LIVE)
    assert loops.said().splitlines()[0].endswith("it is live.")
    assert "://pr-12-shop." in loops.said()
    calls = len(loops.forge.requests)
    assert loops.said()
    assert len(loops.forge.requests) == calls
    loops.previews.event(is_open=False, minute=1)
    assert loops.said() == "**Preview of `shop`** at `1111111`: it is removed."


def test_a_failure_is_said_with_its_cause(loops: Loops) -> None:
    loops.previews.opened()
    loops.advance(State.FETCHING)
    with loops.previews.rig.db.write(platform="a test") as session:
        row = session.query(Deployment).order_by(Deployment.id.desc()).limit(1).one()
        lifecycle.fail(row, DeploymentFailed("build-failed", "step 3 exited with 1"))
    assert "it could not be deployed." in loops.said()
    assert "`step 3 exited with 1`" in loops.said()


def test_a_fork_is_commented_with_the_command_that_approves(loops: Loops) -> None:
    loops.previews.event(is_fork=True)
    assert "slipway previews approve -a shop 12 1111111" in loops.said()


def test_a_forge_that_does_not_answer_delays_the_comment_alone(loops: Loops) -> None:
    loops.forge.answers = [httpx.ConnectError("refused")] * 2
    app = loops.previews.opened()
    loops.comments.look()
    loops.comments.look()  # not before a second is over
    assert (len(loops.forge.requests), len(loops.previews.deployed(app))) == (1, 1)
    loops.ahead_s = 2
    loops.comments.look()
    loops.ahead_s = 10
    loops.comments.look()
    assert len(loops.forge.bodies()) == 1


def test_a_refused_comment_is_given_up(loops: Loops) -> None:
    loops.forge.answers = [httpx.Response(403)]
    loops.previews.opened()
    for _ in range(3):
        loops.comments.look()
    assert len(loops.forge.requests) == 1


def test_an_agent_that_was_killed_after_the_comment_makes_no_second_one(loops: Loops) -> None:
    loops.previews.opened()
    assert loops.said()
    loops.previews.rig.change(loops.previews.row(), comment_id="", comment_digest="")
    assert loops.said()


def test_what_was_closed_is_looked_at_no_more_in_the_end(loops: Loops) -> None:
    app = loops.previews.opened()
    assert loops.said()
    loops.previews.event(is_open=False, minute=1)
    assert loops.said()
    assert not loops.previews.row().settled
    with loops.previews.rig.db.write(platform="a test") as session:
        session.delete(session.get_one(type(app), app.id))
    loops.comments.look()
    assert loops.previews.row().settled


def test_a_pull_request_that_was_never_previewed_gets_no_comment(loops: Loops) -> None:
    loops.previews.event(is_open=False)
    loops.comments.look()
    assert (loops.forge.requests, loops.previews.row().settled) == ([], True)


def test_of_a_repository_that_was_only_named_nothing_is_read_or_written(
    previews: Previews, pull_request_forge: PullRequestForge
) -> None:
    loops = Loops(previews, pull_request_forge)
    previews.opened()
    loops.comments.look()
    loops.missed.look()
    assert pull_request_forge.requests == []


def pull(number: int = 12, head: str = FIRST, **how: str) -> dict[str, object]:
    return made.github_pull_request("a/b", number, head=head, **how)


class TestMissedEvents:
    def test_a_missed_closing_is_found(self, loops: Loops) -> None:
        loops.previews.opened()
        loops.forge.pulls[12] = pull(state="closed", at="2026-11-30T09:00:00Z")
        loops.missed.look()
        loops.previews.look()
        assert loops.previews.app() is None

    def test_one_that_the_forge_does_not_know_any_more_is_closed(self, loops: Loops) -> None:
        loops.previews.opened()
        loops.missed.look()
        assert not loops.previews.row().is_open

    def test_a_missed_opening_is_found(self, loops: Loops) -> None:
        loops.forge.pulls[12] = pull()
        loops.missed.look()
        loops.previews.look()
        assert loops.previews.app() is not None

    def test_a_missed_push_is_found(self, loops: Loops) -> None:
        app = loops.previews.opened()
        loops.forge.pulls[12] = pull(head=SECOND, at="2026-11-30T09:00:00Z")
        loops.missed.look()
        loops.previews.look()
        assert [commit for _, _, commit in loops.previews.deployed(app)] == [FIRST, SECOND]

    def test_one_that_the_list_leaves_out_is_asked_for(self, loops: Loops) -> None:
        loops.previews.opened()
        loops.forge.pulls[12] = pull()
        loops.forge.unlisted = {12}
        loops.missed.look()
        assert loops.previews.row().is_open

    def test_a_forge_that_does_not_answer_closes_nothing(self, loops: Loops) -> None:
        loops.previews.opened()
        for answer in (httpx.ConnectError("refused"), httpx.Response(403)):
            loops.forge.answers = [answer]
            loops.missed.look()
        loops.forge.answers = [httpx.Response(200, json=[]), httpx.Response(502)]
        loops.missed.look()
        assert loops.previews.row().is_open

    def test_an_app_without_previews_is_not_asked_for(self, loops: Loops) -> None:
        loops.previews.rig.change(loops.previews.parent, settings={})
        loops.missed.look()
        assert loops.forge.requests == []
        assert loops.previews.rig.all(Preview) == []


def test_an_expired_one_is_said_to_be(loops: Loops) -> None:
    loops.previews.opened()
    loops.previews.rig.change(loops.previews.row(), expires_at=now() - timedelta(seconds=1))
    assert "nothing was pushed for so long" in loops.said()
