"""What the rest may ask of the domain name system. Nothing raises: how a question ended is in its answer."""

from __future__ import annotations

from typing import Protocol

from slipway.core.dns.answers import Answer


class Resolver(Protocol):
    """Asks a recursive resolver."""

    def addresses(self, name: str) -> tuple[Answer, Answer]:
        """A and AAAA."""
        ...

    def texts(self, name: str) -> Answer:
        """TXT; each value is one record, its strings joined."""
        ...

    def alias(self, name: str) -> Answer:
        """CNAME of this name alone; the first value is what it leads to."""
        ...

    def name_servers(self, name: str) -> Answer:
        """NS of this name alone."""
        ...

    def caa(self, name: str) -> Answer:
        """The CAA records that hold for a name: its own, else those of the nearest name above that has some."""
        ...
