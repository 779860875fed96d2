"""Whether an app makes previews, by its settings and its file."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.app_settings import model
from slipway.core.app_settings.difference import difference
from slipway.core.naming.json_kinds import GIVEN
from slipway.core.previews.settings import NONE_MADE, PreviewTable, chosen
from slipway.errors import InvalidInput


@pytest.mark.parametrize(
    ("app", "file", "holds"),
    [
        ({}, {}, NONE_MADE),
        ({"previews": True}, {}, PreviewTable()),
        ({}, {"previews": True}, PreviewTable()),
        ({"previews": True}, {"previews": False}, NONE_MADE),
        ({"previews": {"limit": 3}}, {"previews": True}, PreviewTable(limit=3)),
        (
            {"previews": {"limit": 3}},
            {"previews": {"expire_after_days": 2}},
            PreviewTable(limit=3, expire_after_days=2),
        ),
        ({"previews": {"limit": 0}}, {}, NONE_MADE),
        ({"previews": "yes"}, {}, NONE_MADE),
    ],
)
def test_what_holds(app: dict[str, Any], file: dict[str, Any], holds: PreviewTable) -> None:
    assert chosen(app, file) == holds


@pytest.mark.parametrize("given", [True, False, {}, {"limit": 2, "variables": {"A": "1"}}])
def test_both_forms_are_taken(given: Any) -> None:
    assert model.parse({"previews": given}, GIVEN).previews.enabled is (given is not False)


@pytest.mark.parametrize("given", [1, "true", {"limit": 0}, {"limit": "3"}, {"variables": {"1A": ""}}, {"limits": 3}])
def test_others_are_refused(given: Any) -> None:
    with pytest.raises(InvalidInput, match="previews"):
        model.parse({"previews": given}, GIVEN)


def test_nothing_is_deployed_for_a_change_of_it() -> None:
    changed = difference({}, {"previews": True}, {})
    assert (changed.edges, changed.replicas, changed.builds, changed.names) == (False, False, (), ("previews",))
