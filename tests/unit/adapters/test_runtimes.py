"""Which container runtime an installation has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipway.adapters.docker.runtime import DockerRuntime
from slipway.adapters.runtimes import RUNTIMES, chosen_runtime
from slipway.db import Database
from slipway.errors import SettingsError
from slipway.settings import load
from tests.fakes import FakeRuntime


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database("sqlite://")
    yield made
    made.dispose()


def test_it_is_docker_unless_the_setting_says_otherwise(database: Database) -> None:
    runtime = chosen_runtime(load({}), database)
    assert isinstance(runtime, DockerRuntime)


def test_another_one_is_a_row_of_the_table(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    other = FakeRuntime()
    monkeypatch.setitem(RUNTIMES, "other", lambda _settings, _db: other)  # type: ignore[arg-type]
    assert chosen_runtime(load({"SLIPWAY_RUNTIME": "other"}), database) is other


def test_a_name_without_a_row_is_refused_with_those_that_there_are(database: Database) -> None:
    with pytest.raises(SettingsError, match="SLIPWAY_RUNTIME") as refused:
        chosen_runtime(load({"SLIPWAY_RUNTIME": "podman"}), database)
    assert refused.value.remedy == "use one of: docker"
