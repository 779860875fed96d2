"""The output of a build or pull: redacted, then written to the deployment's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slipway.core.text.redaction import Redactor
from slipway.ports.logs import DeploymentLog

LOGGED_BYTES = 16 << 20
"""The most that a deployment may write to its log: a step that prints without end must not fill the disk."""


class Output:
    """Writes to the log of one deployment. `is_silent` is called before each line: a worker whose lease is lost writes
    nothing."""

    def __init__(
        self, log: DeploymentLog, deployment_id: int, secrets: Iterable[str], is_silent: Callable[[], bool]
    ) -> None:
        self._log = log
        self._deployment_id = deployment_id
        self._redactor = Redactor(secrets)
        self._is_silent = is_silent
        self._logged_bytes = 0

    def line(self, text: str) -> None:
        """Write one line, redacted."""
        redacted = self._redactor.line(text)
        if self._is_silent() or self._logged_bytes > LOGGED_BYTES:
            return
        self._logged_bytes += len(redacted) + 1
        full = self._logged_bytes > LOGGED_BYTES
        self._log.append(self._deployment_id, f"more than {LOGGED_BYTES >> 20} MB: cut here" if full else redacted)

    def redact(self, text: str) -> str:
        """Redact text that goes elsewhere than to the log, such as an error's sentence."""
        return self._redactor.text(text)
