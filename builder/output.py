"""What a deployment prints while it is built: redacted, logged, its end kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from slipway.core.redaction import Redactor
from slipway.ports.logs import DeploymentLog

KEPT_LINES = 200


class Output:
    """The one way into the log. `silent` is asked before each line: a worker that lost its deployment says nothing."""

    def __init__(
        self, log: DeploymentLog, deployment_id: int, secrets: Iterable[str], silent: Callable[[], bool]
    ) -> None:
        self._log = log
        self._deployment_id = deployment_id
        self._redactor = Redactor(secrets)
        self._silent = silent
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)

    def line(self, text: str) -> None:
        """Take one line."""
        redacted = self._redactor.line(text)
        self._kept.append(redacted)
        if not self._silent():
            self._log.append(self._deployment_id, redacted)

    def redact(self, text: str) -> str:
        """Text that goes elsewhere (a sentence, a tail)."""
        return self._redactor.text(text)
