"""The demo's authority as processes of their own, which outlive `make demo`: the platform renews certificates there.

Each start has another address. To the platform it is another authority then, with an account, limits and roots of its
own, where certificates of the one before are issued again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from slipway.demo.authority.dns_server import DnsServer
from slipway.demo.authority.pebble import DEFAULT_LIFETIME_S, DEFAULT_PROFILE, QUICK, Pebble
from slipway.demo.authority.programs import DNS_SERVER, PEBBLE, program
from slipway.demo.background import Background, any_free_port


@dataclass(frozen=True, slots=True)
class Places:
    """Where the two listen, and where the authority finds the edge."""

    port: int
    management_port: int
    dns_port: int
    dns_management_port: int
    edge_address: str
    edge_port: int


class AuthorityProcess:
    """Starts, finds and stops the authority whose files are below `folder`. Every call may be repeated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pebble = Background("pebble", "the demo's authority", folder)
        self._dns = Background("dns", "the demo's DNS server", folder)

    @property
    def ca_bundle(self) -> Path:
        """The root of its API's own certificate."""
        return self.folder / "api.pem"

    @property
    def root_file(self) -> Path:
        """The root of what it issues, as of the last `write_root`."""
        return self.folder / "root.pem"

    @property
    def pebble(self) -> Pebble:
        places = self._places()
        return Pebble(self.folder, places.port, places.management_port)

    @property
    def dns(self) -> DnsServer:
        places = self._places()
        return DnsServer(places.dns_port, places.dns_management_port, places.edge_address)

    def running(self) -> bool:
        return self._pebble.running() is not None and self._dns.running() is not None

    def start(self, edge_address: str, edge_port: int, say: Callable[[str], None]) -> bool:
        """Make sure that it answers, and asks for challenges there; False when it did before.

        Raises:
            HostUnready: it can't be built here.
            DependencyUnavailable: it ended at once, or does not answer; says why.
        """
        if self.running() and self._finds(edge_address, edge_port) and self.pebble.answers() and self.dns.answers():
            return False
        self.stop()
        programs = program(PEBBLE, say), program(DNS_SERVER, say)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._choose(edge_address, edge_port)
        self._start(*programs)
        return True

    def stop(self) -> bool:
        """End both; False when neither ran.

        Raises:
            DependencyUnavailable: one does not end.
        """
        return any([self._pebble.stop(), self._dns.stop()])

    def write_root(self) -> Path:
        """The file with the root that it has now."""
        self.root_file.write_text(self.pebble.root())
        return self.root_file

    def _start(self, pebble_program: str, dns_program: str) -> None:
        pebble, dns = self.pebble, self.dns
        pebble.prepare(self._places().edge_port, any_free_port(), {DEFAULT_PROFILE: DEFAULT_LIFETIME_S})
        self._dns.start(dns.argv(dns_program), dns.answers, where=dns.address)
        argv = pebble.argv(pebble_program, dns.address)
        self._pebble.start(argv, pebble.answers, where=pebble.directory, environment=QUICK)

    def _choose(self, edge_address: str, edge_port: int) -> None:
        port, management, dns, dns_management = (any_free_port() for _ in range(4))
        places = Places(port, management, dns, dns_management, edge_address, edge_port)
        self._file.write_text(json.dumps(asdict(places)))

    def _places(self) -> Places:
        return Places(**json.loads(self._file.read_text()))

    def _finds(self, edge_address: str, edge_port: int) -> bool:
        places = self._places()
        return (places.edge_address, places.edge_port) == (edge_address, edge_port)

    @property
    def _file(self) -> Path:
        return self.folder / "places.json"
