from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipway.adapters.docker.runtime import DockerRuntime
from tests.fixtures.engine import EnginePart, engine_part


@pytest.fixture(scope="module")
def engine() -> Iterator[EnginePart]:
    with engine_part() as part:
        yield part


@pytest.fixture
def runtime(engine: EnginePart) -> Iterator[DockerRuntime]:
    runtime = engine.runtime()
    yield runtime
    runtime.close()
    engine.clean()
