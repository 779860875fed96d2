from __future__ import annotations

import pytest

from slipway.core.text.hints import for_app


@pytest.mark.parametrize(
    ("hint", "ready"),
    [
        ("try again: slipway deploy", "try again: slipway deploy -a shop"),
        ("slipway env set PORT=…", "slipway env set -a shop PORT=…"),
        ("slipway logs --replica shop-1", "slipway logs -a shop --replica shop-1"),
        ("see: slipway deployments", "see: slipway deployments -a shop"),
        ("slipway apps set health_path=/…", "slipway apps set -a shop health_path=/…"),
        ("slipway deploy; then slipway ps", "slipway deploy -a shop; then slipway ps -a shop"),
        (
            "first: slipway domains remove\nslipway domains",
            "first: slipway domains remove -a shop\nslipway domains -a shop",
        ),
    ],
)
def test_a_command_about_an_app_names_it(hint: str, ready: str) -> None:
    assert for_app(hint, "shop") == ready


@pytest.mark.parametrize(
    "hint",
    [
        "slipway ps -a other",
        "slipway scale 1 -a other",
        "slipway deployments show 3 --watch",
        "slipway doctor says more",
        "slipway apps create shop",
        "set port in slipway.toml",
        "the app's slipway deployment",
    ],
)
def test_what_names_its_app_or_needs_none_stays(hint: str) -> None:
    assert for_app(hint, "shop") == hint


def test_a_hint_repeats_the_ref_of_the_first_try() -> None:
    hint = for_app("try again: slipway deploy\nor: slipway deploy --ref main", "shop", "--ref v1")
    assert hint == "try again: slipway deploy -a shop --ref v1\nor: slipway deploy -a shop --ref main"
    assert for_app("slipway deploy --rebuild", "shop", "--ref v1") == "slipway deploy -a shop --ref v1 --rebuild"
