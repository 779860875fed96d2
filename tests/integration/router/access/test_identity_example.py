"""The Python example of docs/guide/identity-headers.md verifies what the router signs, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.identity.identity_examples import Console, console, example, forged

Example = Callable[[str | None], dict[str, Any] | None]


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Console]:
    with console(tmp_path) as made:
        yield made


@pytest.fixture
def caller(at: Console, monkeypatch: pytest.MonkeyPatch) -> Example:
    for name, value in at.environ.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    exec(compile(example("python"), "identity-headers.md", "exec"), names)  # noqa: S102  what the page says is tested
    found: Example = names["caller"]
    return found


def test_it_takes_what_slipway_signed_for_this_app(at: Console, caller: Example) -> None:
    claims = at.claims()
    assert caller(at.header(**claims)) == claims
    assert caller(None) is None


def test_it_refuses_everything_else(at: Console, caller: Example) -> None:
    assert {name for name, header in forged(at).items() if caller(header) is not None} == set()


def test_it_asks_for_keys_once_however_many_unknown_ones_come(at: Console, caller: Example) -> None:
    for _ in range(20):
        caller(at.header())
        caller(forged(at)["of an unknown key"])
    assert [asked.endpoint for asked in at.asked] == ["jwks.json"]
