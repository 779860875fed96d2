"""A body's values are of the kinds that the OpenAPI document names: a text is no number, and `true` is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from router.api.operation import Input
from router.app import create_app

assert create_app, "every route is known by now"
WRONG: dict[str, tuple[Any, ...]] = {
    "integer": ("1", "", True, False, [1], float("nan")),
    "number": ("1", "", True, False, [1], float("nan"), float("inf")),
    "boolean": ("true", "yes", "", 1, 0, [True]),
}


def scalars() -> Iterator[tuple[type[Input], str, str]]:
    """Each body's fields that are a number or a boolean."""
    for model in sorted(Input.__subclasses__(), key=lambda each: f"{each.__module__}.{each.__name__}"):
        for name, field in model.model_json_schema()["properties"].items():
            kinds = {each.get("type") for each in field.get("anyOf", [field])}
            for kind in kinds & WRONG.keys():
                yield model, name, str(kind)


SCALARS = list(scalars())


@pytest.mark.parametrize(("model", "name", "kind"), SCALARS, ids=[f"{each[0].__name__}-{each[1]}" for each in SCALARS])
def test_a_value_of_another_kind_is_refused(model: type[Input], name: str, kind: str) -> None:
    for wrong in WRONG[kind]:
        with pytest.raises(ValidationError) as refused:
            model.model_validate({name: wrong})
        assert name in [each["loc"][0] for each in refused.value.errors() if each["type"] != "missing"], wrong


def test_there_are_many() -> None:
    assert len(SCALARS) >= 12
