"""What every document has in common."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Source(StrEnum):
    """What an app is deployed from."""

    GIT = "git"
    IMAGE = "image"


def one_of(values: Iterable[str]) -> str:
    """`a, b or c.`"""
    *most, last = values
    return f"{', '.join(most)} or {last}."


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)
