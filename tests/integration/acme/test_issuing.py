"""From a domain to a certificate that is served."""

from __future__ import annotations

import json
import ssl
import stat

from slipway.core.certificates.index import digest
from tests.fixtures.acme.pebble import Pebble
from tests.integration.acme.conftest import Installation

HOST = "shop.example.test"


def test_a_domain_gets_a_certificate_whose_chain_verifies(installation: Installation, pebble: Pebble) -> None:
    installation.add_domain(HOST)

    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail

    row, folder = installation.row(HOST), installation.files(HOST)
    fullchain, key = (folder / "fullchain.pem").read_bytes(), (folder / "key.pem").read_bytes()
    index = json.loads((installation.settings.certificate_dir / "index.json").read_text())
    assert index["certificates"] == {
        str(row.id): {
            "folder": f"{row.id}/{row.serial}",
            "names": [HOST],
            "serial": row.serial,
            "not_after": int(row.not_after.timestamp()),
            "sha256": digest(fullchain, key),
        }
    }
    assert index["hosts"] == {HOST: {"https": "redirect", "hsts_s": 0}}
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    context = ssl.create_default_context(cadata=pebble.root())
    context.load_cert_chain(folder / "fullchain.pem", folder / "key.pem")
