"""What hosts say of HTTPS, in the index of certificates. It belongs to routes: a change needs no new replica."""

from __future__ import annotations

import threading

from builder.certificates.publishing import publish
from slipway.adapters.certificate_files import CertificateFiles
from slipway.db import Database
from slipway.settings import Settings

EVERY_S = 60.0
"""Also without a change of routes that was seen."""
PAUSE_S = 0.5
"""At least so long between two times: many changes of routes are one of the index."""


class HttpsPolicies:
    """`changed` may be called from any thread, and returns at once."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._files = CertificateFiles(settings.certificate_dir)
        self._changed = threading.Event()
        self._changed.set()  # what was missed before this process began

    def changed(self) -> None:
        self._changed.set()

    def wait(self, stopped: threading.Event) -> None:
        """Until something has changed, or may have."""
        stopped.wait(PAUSE_S)
        self._changed.wait(EVERY_S)
        self._changed.clear()

    def publish(self) -> None:
        """Nothing is written where nothing differs, or no certificate was ever issued."""
        if self._settings.https_listen and self._settings.certificate_dir.exists():
            publish(self._db, self._files, self._settings)
