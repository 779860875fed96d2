from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.runtime_rigs import DockerRig, FakeRig, RuntimeRig
from tests.fixtures.engine import EnginePart, engine_part


@pytest.fixture(scope="session")
def engine() -> Iterator[EnginePart]:
    with engine_part() as part:
        yield part


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.engine)])
def rig(request: pytest.FixtureRequest) -> Iterator[RuntimeRig]:
    rig: RuntimeRig = FakeRig() if request.param == "fake" else DockerRig(request.getfixturevalue("engine"))
    yield rig
    rig.close()
