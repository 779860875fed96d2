"""A deployment in words, as people see it."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from slipway.cli.streams import transcript
from slipway.cli.streams.transcript import heading, is_over, outcome, whole
from slipway.core.deployment.states import Kind, State
from tests.unit.cli.documents import BEGAN, deployment, failed, live, step

LATER = BEGAN + timedelta(seconds=12)


def plain(text: str) -> str:
    return click.unstyle(text)


def test_the_heading_says_what_was_pushed_when_and_by_whom() -> None:
    shown = plain(heading(deployment(), LATER))
    assert shown == 'shop  9f3c1e2 "Fix the cart total"   pushed 12 s ago by octocat'


def test_the_heading_of_a_manual_deployment_says_who_asked_and_not_who_wrote_the_commit() -> None:
    manual = deployment(kind="manual", commit="", message="", actor="token:ci", ref="refs/heads/next")
    assert plain(heading(manual, LATER)) == "shop  next   asked for 12 s ago by ci"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_heading(kind: Kind) -> None:
    assert "12 s ago" in heading(deployment(kind=str(kind)), LATER)


def test_steps_stand_below_each_other_with_times_to_the_right() -> None:
    lines = [plain(transcript.step_line(each)) for each in live()["steps"]]
    assert lines[:3] == [
        "  ✔ fetch        0.4 s",
        "  ✔ build       11.8 s   7 of 9 steps from cache",
        "  ✔ start        1.1 s   2 replicas, both answered GET /health",
    ]


def test_success_tells_where_it_answers_how_long_it_took_and_the_way_back() -> None:
    assert plain(outcome(live(), "https://shop.example.org/")) == (
        "live  v12  https://shop.example.org/   13.6 s from push   previous: v11 77ab0d1 (slipway rollback -a shop)"
    )


def test_what_is_scaled_to_0_is_released_and_said_not_to_answer() -> None:
    shown = plain(outcome(live(kind="rollback"), "https://shop.example.org/", stopped=True))
    assert shown.startswith("released  v12  scaled to 0: slipway scale 1 -a shop   after 13.6 s   previous: v11")


def test_the_first_deployment_has_no_way_back() -> None:
    assert "rollback" not in outcome(live(previous=None))


def test_failure_tells_the_last_lines_what_serves_and_what_to_do() -> None:
    assert plain(outcome(failed())).splitlines() == [
        "",
        "  last lines of the replica",
        "  Traceback (most recent call last)",
        "  KeyError: 'DATABASE_URL'",
        "",
        "v11 (77ab0d1) serves on. What to do:",
        "  DATABASE_URL is read but not set here: slipway env set -a shop DATABASE_URL=…",
        "  or look at its output:                 slipway logs -a shop --deployment 318",
        "Error start-probe-failed · deployment 318",
    ]


def test_notices_stand_below_the_steps_without_what_moves_the_cursor() -> None:
    lines = [plain(line) for line in whole(live(notices=["Volume data is \x1b[2Jshared"]))]
    assert lines[-2] == "  ! Volume data is shared"
    assert lines[-1].startswith("live")


def test_what_the_steps_line_said_is_not_said_again_and_what_serves_is_always_said() -> None:
    note = "`RUN make` ended with exit code 2"
    steps = [step("build", 9.2, ok=False, note=note)]
    shown = plain(outcome(failed(detail=note, remedy="fix it, and push again", tail="", steps=steps)))
    assert shown.splitlines() == [
        "v11 (77ab0d1) serves on. What to do:",
        "  fix it, and push again",
        "Error start-probe-failed · deployment 318",
    ]


def test_a_failure_of_the_first_deployment_claims_nothing_that_serves() -> None:
    shown = outcome(failed(detail="no Dockerfile was found", meaning="", serving=None, steps=[]))
    assert "no Dockerfile was found. What to do:" in shown
    assert "serves on" not in shown


@pytest.mark.parametrize("ended", [State.CANCELLED, State.SUPERSEDED, State.SKIPPED])
def test_what_was_stopped_is_no_error(ended: State) -> None:
    shown = plain(outcome(deployment(state=str(ended), reason=str(ended), detail="a newer push came")))
    assert shown == f"a newer push came.\nEnded {ended} · deployment 318"


def test_an_image_that_was_not_found_is_named_once() -> None:
    name = "registry.example/shop:2"
    shown = plain(heading(deployment(kind="manual", source="image", ref=name, commit="", message=name), LATER))
    assert shown.startswith(f"shop  {name}   asked for")


def test_a_commits_message_can_not_drive_the_terminal() -> None:
    shown = heading(deployment(message="\x1b]0;owned\x07\x1b[2Jhello"))
    assert "\x07" not in shown
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_it_is_over_when_nothing_more_happens_to_it() -> None:
    draining = live(steps=[*live()["steps"][:4], step("drain", None, ok=None)])
    assert not is_over(deployment())
    assert not is_over(draining)
    assert is_over(live())
    assert is_over(failed(steps=[]))


def test_all_of_it_is_what_watching_leaves_on_the_screen() -> None:
    assert len(whole(live())) == 1 + 5 + 1
    assert plain(whole(deployment())[-1]) == "queued"


def test_nothing_to_do_is_done() -> None:
    serving = live()["serving"]
    assert transcript.went_well(deployment(state="skipped", serving=serving))
    assert not transcript.went_well(deployment(state="skipped", serving=None))
    assert transcript.went_well(deployment(state="skipped", serving=None, reason="skip-asked"))
    assert not transcript.went_well(deployment(state="superseded", serving=serving))


def test_a_pulled_image_is_known_by_its_digest() -> None:
    image = "registry.example/shop:1.4"
    old, new = (f"sha256:{letter * 64}" for letter in "ab")
    pulled = live(
        kind="manual",
        source="image",
        ref=image,
        commit="",
        digest=new,
        message=image,
        previous={"id": 317, "release": 11, "commit": "", "digest": old},
    )
    lines = [click.unstyle(line) for line in whole(pulled)]
    assert lines[0].startswith(f'shop  {"b" * 12} "{image}"')
    assert lines[1] == f"  image {new}"
    assert f"previous: v11 {'a' * 12} (slipway rollback -a shop)" in "\n".join(lines)
