"""What edges answer to an authority, and asking them as an authority does."""

from __future__ import annotations

from typing import Protocol

from slipway.core.certificates.preflight import Reply
from slipway.core.naming.hosts import Address


class Challenges(Protocol):
    def offer(self, host: str, token: str, answer: str) -> None:
        """Have every edge answer so when this host is asked for the token."""
        ...

    def withdraw(self, token: str) -> None: ...


class TokenProbe(Protocol):
    def ask(self, host: str, address: Address, token: str, answer: str) -> Reply:
        """Ask this address for the token, in the name of the host. Never raises."""
        ...
