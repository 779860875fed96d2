"""What a preview is called, and what its comment says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.core.naming import validation
from slipway.core.previews import comment
from slipway.core.previews.comment import Said
from slipway.core.previews.decide import PreviewState
from slipway.core.previews.names import MOST, app_name

OLD, NEW = "a" * 40, "b" * 40
LIVE = Said("shop", 12, NEW, PreviewState.LIVE, "https://pr-12-shop.example/", NEW, "")


@pytest.mark.parametrize(
    "parent",
    ["shop", "a", "a" * 40, "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t", "shop-of-the-largest-of-customers-ever"],
)
@pytest.mark.parametrize("number", [1, 12, 2147483647])
@pytest.mark.parametrize("mark", ["", "0f3a"])
def test_a_previews_name_is_an_apps_name(parent: str, number: int, mark: str) -> None:
    name = app_name(number, parent, mark)
    assert validation.app_name(name) == name
    assert len(name) <= MOST
    assert name.startswith(f"pr-{number}-")


def test_two_pull_requests_of_an_app_have_two_names() -> None:
    assert app_name(12, "shop") == "pr-12-shop"
    assert app_name(1, "a" * 40) != app_name(11, "a" * 40)


def test_a_comment_names_the_address_and_the_commit() -> None:
    text = comment.text(LIVE, "key")
    assert text.startswith(comment.mark("key"))
    assert "**Preview of `shop`** at `bbbbbbb`: it is live." in text
    assert "https://pr-12-shop.example/" in text
    assert "serves" not in text


def test_a_comment_says_which_commit_serves_while_a_newer_one_does_not() -> None:
    failed = replace(LIVE, serving=OLD, detail="step 3 exited with 1")
    assert "(serves `aaaaaaa`)" in comment.text(failed, "key")
    assert "`step 3 exited with 1`" in comment.text(failed, "key")


def test_a_comment_on_a_fork_names_the_command_that_approves() -> None:
    awaiting = replace(LIVE, state=PreviewState.AWAITING_APPROVAL, url="", serving="")
    assert "`slipway previews approve -a shop 12 bbbbbbb`" in comment.text(awaiting, "key")


@pytest.mark.parametrize("state", PreviewState)
def test_every_state_has_a_sentence(state: PreviewState) -> None:
    assert comment.text(replace(LIVE, state=state), "key").count("\n") >= 1


def test_output_of_a_build_mentions_nobody() -> None:
    said = comment.text(replace(LIVE, detail="\n `@acme/all` [look](https://evil.example)\nmore"), "key")
    assert said.splitlines()[-1] == "`'@acme/all' [look](https://evil.example)`"
