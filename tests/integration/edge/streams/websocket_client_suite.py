"""Runs those tests of the library websocket-client's own suite that talk to a server: `… <port>`, in a process of its
own. Prints what became of each as JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import unittest
from collections.abc import Iterator
from typing import Any

MODULES = ("websocket.tests.test_websocket", "websocket.tests.test_app")
SKIPPED = "Tests using local websocket server are disabled"
"""Why the suite skips them when it has no server."""


LONG = ("test_reconnect", "test_run_forever_teardown_clean_exit")
"""They wait for 10 s, and hear nothing on the way that the others don't."""


def flat(suite: unittest.TestSuite) -> Iterator[Any]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        else:
            yield each


def cases() -> list[Any]:
    return list(flat(unittest.defaultTestLoader.loadTestsFromNames(MODULES)))


def why_skipped(case: Any) -> str:
    return str(getattr(getattr(case, case.id().rpartition(".")[2]), "__unittest_skip_why__", ""))


def with_a_server(port: str) -> unittest.TestSuite:
    os.environ["LOCAL_WS_SERVER_PORT"] = "-1"
    names = {case.id() for case in cases() if why_skipped(case) == SKIPPED and not case.id().endswith(LONG)}
    os.environ["LOCAL_WS_SERVER_PORT"] = port
    for name in MODULES:
        importlib.reload(sys.modules[name])
    return unittest.TestSuite(case for case in cases() if case.id() in names)


class Outcomes(unittest.TestResult):
    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, str] = {}

    def addSuccess(self, test: Any) -> None:  # noqa: N802
        self.outcomes[test.id()] = "passed"

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        self.outcomes[test.id()] = self._exc_info_to_string(err, test)  # type: ignore[attr-defined]

    addError = addFailure  # noqa: N815

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        self.outcomes[test.id()] = f"skipped: {reason}"


if __name__ == "__main__":
    result = Outcomes()
    with_a_server(sys.argv[1]).run(result)
    print(f"\n{json.dumps(result.outcomes)}")  # the last line: the suite traces what it sends
