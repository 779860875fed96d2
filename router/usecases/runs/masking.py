"""Commands as people see them: without the secrets that their release knows, and without what looks like one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from router.services import Services
from slipway.core.text.redaction import KnownSecrets, without_shapes
from slipway.domain.releases.variables import secrets_of
from slipway.models import Release

_SHOWN_CHARS = 200
_BETWEEN = "\0"
"""No word of a command has it."""


class CommandMasks:
    """For one answer: a release's variables are opened once."""

    def __init__(self, services: Services) -> None:
        self._vault = services.values
        self._known: dict[int, KnownSecrets] = {}

    def words(self, command: Sequence[str], release: Release | None) -> list[str]:
        """All of them."""
        return self._of(release).masked(_BETWEEN.join(command)).split(_BETWEEN)

    def recorded(self, command: Sequence[str], release: Release | None) -> str:
        """The command as the audit log has it: its beginning."""
        line = without_shapes(shlex.join(self.words(command, release)))
        return line if len(line) <= _SHOWN_CHARS else f"{line[: _SHOWN_CHARS - 1]}…"

    def _of(self, release: Release | None) -> KnownSecrets:
        if release is None:
            return KnownSecrets()
        if release.id not in self._known:
            self._known[release.id] = KnownSecrets(secrets_of(self._vault, release))
        return self._known[release.id]
