"""What of Authlib is used: its client alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FORBIDDEN = {
    "authlib.jose": "it is deprecated: joserfc verifies tokens",
    "authlib.integrations": "its sessions log the verifier of PKCE, and read and clear a login's state in two steps",
}


@pytest.mark.parametrize("module", FORBIDDEN)
def test_parts_of_authlib_that_are_not_used(module: str) -> None:
    imports = re.compile(rf"^\s*(?:from|import) {re.escape(module)}\b", re.MULTILINE)
    files = [path for package in ("slipway", "router") for path in (ROOT / package).rglob("*.py")]
    assert [path for path in files if imports.search(path.read_text())] == [], FORBIDDEN[module]
    assert any("from authlib.oauth2.client import" in path.read_text() for path in files)
