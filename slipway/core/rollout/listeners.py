"""TCP sockets that listen in a replica's container."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

_ENGINES_RESOLVER = "127.0.0.11"
"""Where the Engine answers questions for names, within each container."""


@dataclass(frozen=True, slots=True)
class Listener:
    address: str
    port: int

    @property
    def is_local(self) -> bool:
        """Can only its own container reach it?"""
        return ip_address(self.address).is_loopback

    @property
    def is_the_engines(self) -> bool:
        return self.address == _ENGINES_RESOLVER

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
