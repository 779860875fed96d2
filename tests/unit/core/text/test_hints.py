from __future__ import annotations

import pytest

from slipway.core.text.hints import for_app


@pytest.mark.parametrize(
    ("told", "ready"),
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
def test_a_command_about_an_app_names_it(told: str, ready: str) -> None:
    assert for_app(told, "shop") == ready


@pytest.mark.parametrize(
    "told",
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
def test_what_names_its_app_or_needs_none_stays(told: str) -> None:
    assert for_app(told, "shop") == told


def test_what_was_asked_for_is_asked_for_again() -> None:
    told = for_app("try again: slipway deploy\nor: slipway deploy --ref main", "shop", "--ref v1")
    assert told == "try again: slipway deploy -a shop --ref v1\nor: slipway deploy -a shop --ref main"
    assert for_app("slipway deploy --rebuild", "shop", "--ref v1") == "slipway deploy -a shop --ref v1 --rebuild"
