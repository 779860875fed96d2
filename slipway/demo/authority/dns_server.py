"""What the authority, and whoever else asks it, learns of names: pebble's own DNS server for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

_NOT_SERVED = ("http01", "https01", "tlsalpn01", "doh")


@dataclass(frozen=True, slots=True)
class DnsServer:
    """Every name leads to one address, until it is said otherwise."""

    port: int
    management_port: int
    names_lead_to: str = "127.0.0.1"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def management(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    def argv(self, program: str) -> list[str]:
        off = [f"-{each}=" for each in _NOT_SERVED]
        listens = [f"-dnsserver={self.address}", f"-management=127.0.0.1:{self.management_port}"]
        return [program, *off, *listens, f"-defaultIPv4={self.names_lead_to}", "-defaultIPv6="]

    def tell(self, what: str, **document: Any) -> None:
        """As `add-a`, `clear-a`, `add-aaaa`, `add-caa`, `set-txt`, `set-servfail`, `clear-servfail`."""
        httpx.post(f"{self.management}/{what}", json=document, trust_env=False).raise_for_status()

    def answers(self) -> bool:
        try:
            httpx.get(self.management, trust_env=False)
        except httpx.TransportError:
            return False
        return True
