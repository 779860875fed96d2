"""What sign-on needs costs memory, and is not imported where it is off."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.host.install import folders
from slipway.settings import load

ROOT = Path(__file__).parents[3]
OF_SIGN_ON = ("authlib", "joserfc", "keycloak", "slipway.adapters.oidc", "slipway.adapters.redis.sessions")
PROGRAM = """
import sys
import router.wsgi
print(*sorted(sys.modules))
"""


def loaded(state_dir: Path, keycloak: str) -> set[str]:
    """The modules of a router that serves."""
    given = {"SLIPWAY_STATE_DIR": str(state_dir), "SLIPWAY_KEYCLOAK": keycloak}
    folders.prepare(load(given))
    argv = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {each for each in done.stdout.split() if each.startswith(OF_SIGN_ON)}


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """Short enough for a unix socket's address."""
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        yield Path(folder)


def test_where_sign_on_is_off_nothing_of_it_is_imported(state_dir: Path) -> None:
    assert loaded(state_dir, "off") == set()


def test_where_it_is_on_the_names_above_are_those_of_what_it_needs(state_dir: Path) -> None:
    assert set(OF_SIGN_ON) <= loaded(state_dir, "https://id.example.org")
