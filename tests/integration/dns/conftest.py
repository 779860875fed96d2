from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.name_server import NameServer, name_server


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server() as started:
        yield started
