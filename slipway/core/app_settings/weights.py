"""Weights of an app's replicas."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from slipway.core.naming.json_kinds import GIVEN


def _some_weight(weights: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
    if info.context == GIVEN and weights and not any(weights):
        raise ValueError("with weights of 0 alone no replica would get a request: one has to be above 0")
    return weights


Weights = Annotated[
    tuple[Annotated[int, Field(ge=0, le=100)], ...], Field(max_length=100), AfterValidator(_some_weight)
]
