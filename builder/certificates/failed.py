"""What ends an attempt for a certificate."""

from __future__ import annotations

from slipway.core.certificates.failures import Failure


class Failed(Exception):
    """There is no certificate now; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure
