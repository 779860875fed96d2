"""The lock files name extras where a dependency asks for them: pip 23 looks for the newest release of `name[extra]`
beside a pinned `name`, finds no hash for it, and installs nothing."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def pinned(lock: str) -> dict[str, set[str]]:
    """Name -> the extras it is pinned with."""
    found = re.findall(r"^([\w.-]+)(?:\[([\w,-]+)\])?==", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): set(filter(None, extras.split(","))) for name, extras in found}


def wanted_extras(name: str, extras: set[str]) -> list[Requirement]:
    """What a pinned distribution, with these extras, requires with an extra."""
    try:
        texts = distribution(name).requires or []
    except PackageNotFoundError:  # pinned for another platform
        return []
    requirements = map(Requirement, texts)
    environments = [{"extra": extra} for extra in extras or {""}]
    return [
        each
        for each in requirements
        if each.extras and (not each.marker or any(each.marker.evaluate(environment) for environment in environments))
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_an_extra_that_a_dependency_asks_for_is_pinned_with_its_extra(lock: str) -> None:
    pins = pinned(lock)
    wanted = [each for name, extras in pins.items() for each in wanted_extras(name, extras)]
    assert any(each.name == "pydantic" for each in wanted), "the lock is read"
    for each in wanted:
        assert each.extras <= pins[canonicalize_name(each.name)], f"{lock}: {each} is pinned without its extra"
