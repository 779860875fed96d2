"""CI jobs' own tokens, which an OpenID issuer signs for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JobToken:
    """A token whose issuer has signed it. What it says is still to be judged."""

    issuer: str
    claims: Mapping[str, Any]
    digest: str
    """What tells it from every other token of every issuer, SHA-256 in hex."""


class JobTokens(Protocol):
    def claimed_issuer(self, token: str) -> str:
        """Who the token says that it is from, which nobody has verified: to find out whether that one is trusted.

        Raises:
            NotAuthenticated: it is no signed token.
        """
        ...

    def verify(self, token: str, issuer: str) -> JobToken:
        """Ask only for an issuer that a publisher names: it is fetched from.

        Raises:
            NotAuthenticated: the issuer has not signed it.
            DependencyUnavailable: the issuer can't be asked for its keys.
        """
        ...

    def check_use(self, token: JobToken, audience: str) -> float:
        """Is it for this audience, and good now? Returns when it ends, in Unix seconds.

        Raises:
            NotAuthenticated: says what is wrong.
        """
        ...
