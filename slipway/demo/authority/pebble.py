"""pebble: an authority that speaks ACME as Let's Encrypt does, for tests. Each start makes new roots, and forgets
accounts and certificates."""

from __future__ import annotations

import datetime
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

QUICK = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
"""pebble's own ways to be slow and to fail are off."""
DEFAULT_LIFETIME_S, SHORT_LIFETIME_S = 7_776_000, 518_400
DEFAULT_PROFILE, SHORTLIVED_PROFILE = "default", "shortlived"


@dataclass
class Pebble:
    """Its files in a folder, and what it is asked by its API for tests."""

    folder: Path
    port: int
    management_port: int

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def ca_bundle(self) -> Path:
        """The root of its API's own certificate."""
        return self.folder / "api.pem"

    @property
    def api_key(self) -> Path:
        return self.folder / "api-key.pem"

    def argv(self, program: str, dns_address: str) -> list[str]:
        return [program, "-config", str(self._configuration), "-dnsserver", dns_address]

    def prepare(self, http_port: int, unused_port: int, profiles: Mapping[str, int]) -> None:
        """Write what it reads. `http_port` is where it asks for challenges of http-01, `unused_port` for those of
        tls-alpn-01; `profiles` are kinds of certificates by name, with their lifetimes in seconds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._certify_api()
        described = {name: {"description": name, "validityPeriod": profiles[name]} for name in profiles}
        listens = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(self.ca_bundle),
            "privateKey": str(self.api_key),
        }
        behaviour = {
            "httpPort": http_port,
            "tlsPort": unused_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "domainBlocklist": ["blocked.example"],
            "retryAfter": {"authz": 1, "order": 1},
            "keyAlgorithm": "ecdsa",
            "profiles": described,
        }
        self._configuration.write_text(json.dumps({"pebble": listens | behaviour}))

    def root(self) -> str:
        """Of the certificates that it issues."""
        return self._manage("GET", "/roots/0").raise_for_status().text

    def revoked(self, serial: str) -> bool:
        status: str = self._manage("GET", f"/cert-status-by-serial/{serial}").json()["Status"]
        return status == "Revoked"

    def set_window(self, certificate: str, start: datetime.datetime, end: datetime.datetime) -> None:
        """When it wants the certificate renewed (RFC 9773)."""
        window = {"suggestedWindow": {"start": start.isoformat(), "end": end.isoformat()}}
        document = {"certificate": certificate, "ariResponse": json.dumps(window)}
        self._manage("POST", "/set-renewal-info/", json=document).raise_for_status()

    def answers(self) -> bool:
        try:
            return self._manage("GET", "/roots/0").is_success
        except httpx.TransportError:
            return False

    @property
    def _configuration(self) -> Path:
        return self.folder / "pebble.json"

    def _manage(self, method: str, path: str, **given: Any) -> httpx.Response:
        trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        url = f"https://127.0.0.1:{self.management_port}{path}"
        return httpx.request(method, url, verify=trust, trust_env=False, **given)

    def _certify_api(self) -> None:
        """Self-signed, for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pebble at port {self.port}")])
        today = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
        built = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(hours=1))
            .not_valid_after(today + datetime.timedelta(days=365))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca_bundle.write_bytes(built.public_bytes(Encoding.PEM))
        self.api_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
