"""CI jobs' own tokens, verified by what is imported for the first of them: most hosts never see one."""

from __future__ import annotations

import threading

from slipway import settings as slipway_settings
from slipway.ports.job_tokens import JobToken, JobTokens
from slipway.settings import Settings


class LazyJobTokens:
    """`slipway.ports.job_tokens.JobTokens`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._made: JobTokens | None = None

    def claimed_issuer(self, token: str) -> str:
        return self._adapter().claimed_issuer(token)

    def verify(self, token: str, issuer: str) -> JobToken:
        return self._adapter().verify(token, issuer)

    def check_use(self, token: JobToken, audience: str) -> float:
        return self._adapter().check_use(token, audience)

    def _adapter(self) -> JobTokens:
        with self._lock:
            if self._made is None:
                from slipway.adapters.oidc.jobs import verifying  # noqa: PLC0415  costs memory

                self._made = verifying.connect(self._settings.issuer_hosts, slipway_settings.outbound())
            return self._made


def connect(settings: Settings) -> JobTokens:
    """Opens no connection."""
    return LazyJobTokens(settings)
