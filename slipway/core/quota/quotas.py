"""What a tenant's use can be limited in: the names, the values that may be said, and which of them is in force.

A value that is said is a number or `unlimited`. Amounts are whole numbers of each quota's own unit (thousandths of a
CPU, seconds of building), so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

from slipway.errors import InvalidInput, QuotaExceeded

UNLIMITED = "unlimited"
MOST = 1_000_000_000
HOW_TO_GET_MORE = "or ask who runs the platform for more; what is used: slipway quota"


class Quota(StrEnum):
    """The names, as plans, the API and the command have them."""

    APPS = "apps"
    REPLICAS = "replicas"
    CPUS = "cpus"
    MEMORY = "memory_mb"
    BUILD_MINUTES = "build_minutes"
    DOMAINS = "domains"
    VOLUMES = "volumes"


@dataclass(frozen=True, slots=True)
class _Kind:
    words: str
    units: int = 1
    """Amounts that make one of what is said."""
    fractions: bool = False
    how_to_free: str = ""


_SCALE_DOWN = "scale something down: slipway scale 1 -a APP"
_KINDS = {
    Quota.APPS: _Kind("apps", how_to_free="delete one: slipway apps delete APP"),
    Quota.REPLICAS: _Kind("replicas", how_to_free=_SCALE_DOWN),
    Quota.CPUS: _Kind("CPUs", 1000, fractions=True, how_to_free=_SCALE_DOWN),
    Quota.MEMORY: _Kind("MB of memory", how_to_free=_SCALE_DOWN),
    Quota.BUILD_MINUTES: _Kind("build minutes of this month", 60),
    Quota.DOMAINS: _Kind("custom domains", how_to_free="remove one: slipway domains remove HOST -a APP"),
    Quota.VOLUMES: _Kind("volumes", how_to_free="remove one that nothing uses: slipway volumes"),
}
Amounts = Mapping[Quota, int]
Limits = Mapping[Quota, int | None]
"""None: unlimited."""


@dataclass(frozen=True, slots=True)
class Excess:
    """One quota that does not allow what was asked for."""

    quota: Quota
    limit: int
    used: int
    needed: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


def checked(values: Mapping[str, Any]) -> dict[str, int | float | str]:
    """Values as somebody says them.

    Raises:
        InvalidInput: names the quota and the rule.
    """
    unknown = sorted(values.keys() - set(Quota))
    if unknown:
        raise InvalidInput(f"there is no quota {unknown[0]!r}", remedy=f"there are: {', '.join(Quota)}")
    return {name: _checked(Quota(name), value) for name, value in values.items()}


def merged(said: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch (RFC 7396): None takes a value back. Raises `InvalidInput` as `checked` does."""
    checked({name: UNLIMITED if value is None else value for name, value in changes.items()})
    both = {**said, **changes}
    return {name: both[name] for name in Quota if both.get(name) is not None}


def in_force(layers: Iterable[Mapping[str, Any] | None]) -> dict[Quota, int | None]:
    """Of each quota the value that the first layer says; unlimited where none says one."""
    said: dict[str, Any] = {}
    for layer in layers:
        said = {**(layer or {}), **said}
    return {quota: _amount(quota, said.get(quota, UNLIMITED)) for quota in Quota}


@lru_cache(1024)
def amount(quota: Quota, value: float) -> int:
    """Of a value in the quota's unit; a part of the smallest amount counts as a whole one."""
    return ceil(Fraction(str(value)) * _KINDS[quota].units)


def shown(quota: Quota, amount: int | None) -> int | float | None:
    """An amount in the unit in which it is said."""
    if amount is None or _KINDS[quota].units == 1:
        return amount
    value = round(amount / _KINDS[quota].units, 3)
    return int(value) if value.is_integer() else value


def excesses(limits: Limits, used: Amounts, growth: Amounts) -> list[Excess]:
    """The quotas that forbid the growth. What does not grow is never forbidden, also above the limit."""
    limited = {quota: limit for quota, limit in limits.items() if limit is not None and growth.get(quota, 0) > 0}
    return [
        Excess(quota, limit, used[quota], growth[quota])
        for quota, limit in limited.items()
        if used[quota] + growth[quota] > limit
    ]


def exceeded(found: list[Excess]) -> QuotaExceeded:
    """The error that names them all."""
    sentences = [_sentence(each) for each in found]
    remedies = dict.fromkeys(_KINDS[each.quota].how_to_free for each in found)
    details = [_details(each) for each in found]
    return QuotaExceeded(
        f"Your quota does not allow it: {'; '.join(sentences)}.",
        remedy="\n".join([*filter(None, remedies), HOW_TO_GET_MORE]),
        **details[0],
        exceeded=details,
    )


def _sentence(excess: Excess) -> str:
    needed, left, limit = (shown(excess.quota, each) for each in (excess.needed, excess.left, excess.limit))
    return f"{_KINDS[excess.quota].words}: {needed} more needed, {left} of {limit} left"


def _details(excess: Excess) -> dict[str, Any]:
    amounts = {"used": excess.used, "limit": excess.limit, "left": excess.left, "needed": excess.needed}
    return {"quota": str(excess.quota)} | {name: shown(excess.quota, each) for name, each in amounts.items()}


def _checked(quota: Quota, value: Any) -> int | float | str:
    if value == UNLIMITED:
        return UNLIMITED
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise InvalidInput(f"{quota}: {value!r} is no quota", remedy=f"give a number from 0 to {MOST}, or {UNLIMITED}")
    if not _KINDS[quota].fractions and value != int(value):
        raise InvalidInput(f"{quota}: {value:g} is not whole", remedy="give a whole number")
    if Fraction(str(value)) * _KINDS[quota].units % 1:
        raise InvalidInput(f"{quota}: {value:g} is too fine", remedy="give at most three digits after the point")
    return value


def _amount(quota: Quota, value: Any) -> int | None:
    return None if value == UNLIMITED else amount(quota, value)
