from __future__ import annotations

import pytest

from slipway.core.naming import validation
from slipway.core.naming.shown_names import shown


@pytest.mark.parametrize(
    "name",
    [
        *("bücher.example", "straße.example", "münchen.bücher.example", "日本語.example", "ドメイン名例.example"),
        *(
            "пример.испытание",
            "παράδειγμα.example",
            "한국.example",
            "مثال.example",
            "café-24.example",
            "*.bücher.example",
        ),
        *("shop.example", "東京tower.example"),
    ],
)
def test_a_name_is_stored_in_one_form_and_shown_as_it_was_written(name: str) -> None:
    stored = validation.domain_or_wildcard(name)
    assert stored.isascii()
    assert shown(stored) == name


@pytest.mark.parametrize(
    "name",
    [
        "pаypal.example",  # Cyrillic а
        "gооgle.example",  # Cyrillic о
        "аррӏе.example",  # all Cyrillic
        "ехе.example",
        "οο.example",  # Greek omicron
        "bücher-ж.example",
        "ɡoogle.example",
    ],
)
def test_a_name_that_could_be_taken_for_another_is_shown_in_its_stored_form(name: str) -> None:
    stored = validation.domain(name)
    assert "xn--" in stored
    assert shown(stored) == stored


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("BÜCHER.example", "bücher.example"),
        ("bu\u0308cher.example", "bücher.example"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("ｓhop。example", "shop.example"),
        ("bücher.example.", "bücher.example"),
    ],
)
def test_other_spellings_are_the_same_name(written: str, same: str) -> None:
    assert validation.domain(written) == validation.domain(same)


def test_what_is_no_name_any_more_is_shown_as_it_is_stored() -> None:
    assert shown("xn--99999999.example") == "xn--99999999.example"
