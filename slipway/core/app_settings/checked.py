"""Functions that raise Slipway's own errors, as checks of a model's fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator

from slipway.errors import SlipwayError


def checked(function: Callable[[Any], Any]) -> AfterValidator:
    """The field gets what the function returns."""

    def check(value: Any) -> Any:
        try:
            return function(value)
        except SlipwayError as error:
            raise ValueError(f"{error.message}; {error.remedy}") from error

    return AfterValidator(check)
