"""The long runs share one platform, like the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Branch heads are compared often: a push whose delivery met a killed webhook is found by that alone."""
    with running_stack(poll_s="5") as stack:
        yield stack
