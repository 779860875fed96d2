"""What a deployment prints while it is built: redacted, then logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slipway.core.text.redaction import Redactor
from slipway.ports.logs import DeploymentLog

LOGGED_BYTES = 16 << 20
"""What a deployment may write into its log: a step that prints without end must not fill the disk."""


class Output:
    """The one way into the log. `silent` is asked before each line: a worker that lost its deployment says nothing."""

    def __init__(
        self, log: DeploymentLog, deployment_id: int, secrets: Iterable[str], silent: Callable[[], bool]
    ) -> None:
        self._log = log
        self._deployment_id = deployment_id
        self._redactor = Redactor(secrets)
        self._silent = silent
        self._logged_bytes = 0

    def line(self, text: str) -> None:
        """Take one line."""
        redacted = self._redactor.line(text)
        if self._silent() or self._logged_bytes > LOGGED_BYTES:
            return
        self._logged_bytes += len(redacted) + 1
        full = self._logged_bytes > LOGGED_BYTES
        self._log.append(self._deployment_id, f"more than {LOGGED_BYTES >> 20} MB: cut here" if full else redacted)

    def redact(self, text: str) -> str:
        """Text that goes elsewhere (a sentence, a tail)."""
        return self._redactor.text(text)
