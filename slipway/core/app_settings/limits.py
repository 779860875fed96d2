"""How many requests a caller may send: of an app, in its settings; of a tenant, over all its apps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from slipway.core.naming.json_kinds import GIVEN, GivenValues
from slipway.core.naming.validation_messages import faults
from slipway.errors import InvalidInput, NotFound

MOST_OF_ONE = 10
"""An app's, and a tenant's."""
DAY_S = 86_400
PRODUCT_MOST = (1 << 53) // 1_000_000
"""Of requests and seconds: what an edge counts exactly."""
By = Literal["caller", "address", "token", "user", "all"]


class Limit(GivenValues):
    """Requests in a time, or requests at one time. The strictest of all limits of an app decides."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
    """A slug; clients see it."""
    requests: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """How many in `per_s` seconds: as many at once, and then one each time that another is earned."""
    per_s: int | None = Field(default=None, ge=1, le=DAY_S)
    at_once: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many may be under way at one time."""
    by: By = "caller"
    """Whose requests count together: of a `caller` (a signed-in person, a Slipway token of the tenant, of everybody
    else the address), an `address`, a `token`, a `user` (a signed-in person), or `all`."""
    dry_run: bool = False
    """Refuses nobody; what it would have refused is counted and logged."""

    @model_validator(mode="after")
    def _one_kind(self) -> Limit:
        per_time = (self.requests, self.per_s)
        if (self.at_once is None) == (per_time == (None, None)) or (per_time.count(None) == 1):
            raise ValueError("say either requests and per_s, or at_once")
        if self.requests and self.per_s and self.requests * self.per_s > PRODUCT_MOST:
            raise ValueError("requests times per_s is too large to be counted: take a shorter time")
        return self


def different(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Raises `ValueError` when two have one name."""
    names = [each.name for each in limits]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two of them have the name {twice[0]}")
    return limits


_LIST: TypeAdapter[tuple[Limit, ...]] = TypeAdapter(tuple[Limit, ...])


def read(values: Sequence[Any]) -> tuple[Limit, ...]:
    """Limits as they are kept, in JSON. Those that this version does not understand raise `ValidationError`."""
    return _LIST.validate_python([*values]) if values else ()


def parse(values: dict[str, Any]) -> Limit:
    """One limit.

    Raises:
        InvalidInput: names the field and the rule.
    """
    try:
        return Limit.model_validate(values, context=GIVEN)
    except ValidationError as error:
        found = "; ".join(faults(error, Limit)).removeprefix("settings: ")
        raise InvalidInput(found, remedy="docs/guide/limits.md has what a limit says") from None


def kept(limit: Limit) -> dict[str, Any]:
    """What is said of it, without defaults."""
    return limit.model_dump(exclude_defaults=True)


def with_limit(existing: Iterable[dict[str, Any]], limit: Limit) -> list[dict[str, Any]]:
    """The list with this one in the place of the one of its name, or at the end.

    Raises:
        InvalidInput: there would be too many.
    """
    others = [*existing]
    names = [each.get("name") for each in others]
    if limit.name in names:
        others[names.index(limit.name)] = kept(limit)
        return others
    if len(others) >= MOST_OF_ONE:
        raise InvalidInput(f"there are at most {MOST_OF_ONE} limits", remedy="remove one first: slipway limits unset")
    return [*others, kept(limit)]


def without(existing: Sequence[dict[str, Any]], name: str, remedy: str) -> list[dict[str, Any]]:
    """The list without the one of that name.

    Raises:
        NotFound: there is none; `remedy` says where to see which there are.
    """
    left = [each for each in existing if each.get("name") != name]
    if len(left) == len(existing):
        raise NotFound(f"There is no limit {name!r} here.", remedy=remedy)
    return left
