"""One platform for all end-to-end tests; each test brings its own app. What was measured is printed at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.stack import Stack, running_stack

_MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are printed below the results, whether output is captured or not."""
    return pytestconfig.stash.setdefault(_MEASURED, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_MEASURED, []):
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
