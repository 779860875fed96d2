"""What may be asked of an authority that issues certificates, and what edges answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from slipway.core.certificates.failures import Reported
from slipway.core.certificates.preflight import Reply
from slipway.core.naming.hosts import Address
from slipway.ports.building import Stopped


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, of whom."""

    certificate_id: int
    names: tuple[str, ...]
    challenge: str
    directory: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Name → its label in the platform's DNS zone, for names that are delegated to it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain, and its key: PEM."""

    fullchain: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """When the authority wants a certificate renewed: a time chosen by chance in its window."""

    renew_at: datetime | None
    """None: it says nothing of that."""
    ask_again_at: datetime


class NotDone(Exception):
    """The authority, or the way to it, refused; `reported` says why."""

    def __init__(self, reported: Reported) -> None:
        super().__init__(reported.detail or reported.output)
        self.reported = reported


class Authority(Protocol):
    """Every call takes seconds to minutes, and only one at a time works."""

    def issue(self, request: Request, stopped: Stopped) -> Pair:
        """Raises `NotDone`, or `Interrupted` when `stopped` says so."""
        ...

    def issued(self, certificate_id: int) -> Pair | None:
        """What was issued last, whole, be it that whoever asked for it died before they took it."""
        ...

    def window(self, pair: Pair, directory: str) -> Window:
        """Raises `NotDone`."""
        ...

    def revoke(self, pair: Pair, directory: str) -> None:
        """Revoke it because it is used no longer. One that is revoked already, or has run out, is no failure.

        Raises `NotDone`."""
        ...

    def forget(self, certificate_id: int) -> None:
        """Delete what is kept of it."""
        ...


class Challenges(Protocol):
    def offer(self, host: str, token: str, answer: str) -> None:
        """Have every edge answer so when this host is asked for the token."""
        ...

    def withdraw(self, token: str) -> None: ...


class TokenProbe(Protocol):
    def ask(self, host: str, address: Address, token: str, answer: str) -> Reply:
        """Ask this address for the token, in the name of the host. Never raises."""
        ...
