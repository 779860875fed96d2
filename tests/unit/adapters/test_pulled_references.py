"""When a reference in the Engine is removed, and by which pull."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.adapters.docker.images.pulled_references import PulledReferences
from slipway.errors import DependencyUnavailable

REFERENCE = "registry.example/shop@sha256:1"


class Engine:
    """References that are there."""

    def __init__(self, folder: Path) -> None:
        self.there: set[str] = set()
        self.is_unreachable = False
        self.references = PulledReferences(folder / "pulls", self.there.__contains__, self.remove)

    def remove(self, reference: str) -> None:
        if self.is_unreachable:
            raise DependencyUnavailable("unreachable")
        self.there.discard(reference)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def lock_files(folder: Path) -> list[Path]:
    return list((folder / "pulls").glob("*"))


def test_what_a_pull_brought_goes_after_it(engine: Engine, tmp_path: Path) -> None:
    with engine.references.used(REFERENCE):
        engine.there.add(REFERENCE)
    assert not engine.there
    assert lock_files(tmp_path) == []


def test_what_was_there_before_stays(engine: Engine, tmp_path: Path) -> None:
    engine.there.add(REFERENCE)
    with engine.references.used(REFERENCE):
        assert lock_files(tmp_path) == []
    engine.references.tidy()
    assert engine.there == {REFERENCE}


def test_of_two_pulls_the_last_one_removes_it(engine: Engine) -> None:
    with engine.references.used(REFERENCE):
        engine.there.add(REFERENCE)
        with engine.references.used(REFERENCE):
            engine.references.tidy()
            assert engine.there
        assert engine.there
    assert not engine.there


def test_a_pull_that_fails_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    def pull() -> None:
        with engine.references.used(REFERENCE):
            engine.there.add(REFERENCE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pull()
    assert not engine.there
    assert lock_files(tmp_path) == []


def test_what_stayed_because_the_engine_was_unreachable_is_removed_later(engine: Engine, tmp_path: Path) -> None:
    """As after a worker that was killed: a file that nobody locks."""
    with engine.references.used(REFERENCE):
        engine.there.add(REFERENCE)
        engine.is_unreachable = True
    assert engine.there
    assert len(lock_files(tmp_path)) == 1
    engine.is_unreachable = False
    with engine.references.used(REFERENCE):
        pass  # another pull of it still knows that it is ours
    assert not engine.there
    with engine.references.used(REFERENCE):
        engine.there.add(REFERENCE)
        engine.is_unreachable = True
    engine.is_unreachable = False
    engine.references.tidy()
    assert (engine.there, lock_files(tmp_path)) == (set(), [])
