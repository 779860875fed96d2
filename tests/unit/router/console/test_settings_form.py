"""The form of an app's settings has all that the model has, and changes what was changed."""

from __future__ import annotations

import pytest

from router.console.views.app.settings_form import ELSEWHERE, groups, patch, value_of
from slipway.core.app_settings.merge_patch import merge_patch
from slipway.core.app_settings.model import AppSettings, parse
from slipway.errors import InvalidInput

NAMES = {setting.name for group in groups() for setting in group.settings}


def test_every_setting_of_the_model_is_in_it_or_listed_as_elsewhere() -> None:
    shown = {name.partition(".")[0] for name in NAMES}
    assert shown | ELSEWHERE == set(AppSettings.model_fields)
    assert not shown & ELSEWHERE


def test_what_is_sent_back_as_it_was_changes_nothing() -> None:
    settings = {"port": 80, "resources": {"read_only": False, "cpus": 0.5}, "paths": ["a", "b"], "health": "tcp"}
    assert patch(settings, {name: value_of(settings, name) for name in NAMES}) == {}


def test_a_changed_field_alone_is_in_the_patch() -> None:
    settings = {"port": 80, "resources": {"memory_mb": 64, "cpus": 0.5}}
    made = patch(settings, {"port": "", "resources.memory_mb": "128", "resources.cpus": "0.5", "weights": "1\n2"})
    assert made == {"port": None, "resources": {"memory_mb": 128}, "weights": [1, 2]}
    parse(merge_patch(settings, made))


def test_names_that_are_no_settings_count_for_nothing() -> None:
    assert patch({}, {"nonsense": "1", "resources": "x", "limits": "y", "tenant": "acme"}) == {}


@pytest.mark.parametrize("fields", [{"port": "x"}, {"resources.cpus": "many"}, {"weights": "1\nx"}])
def test_what_is_no_number_is_refused_by_name(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(fields))):
        patch({}, fields)
