"""What sign-on needs costs memory, and is not imported where it is off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from slipway.host.install import folders
from slipway.settings import load

ROOT = Path(__file__).parents[3]
OF_SIGN_ON = ("authlib", "joserfc", "keycloak", "slipway.adapters.oidc", "slipway.adapters.redis.sessions")
ISSUER = "https://id.example.org"
PROGRAM = f"""
import importlib, os, sys
import router.wsgi
print(*sorted(sys.modules))
os.environ["SLIPWAY_KEYCLOAK"] = "{ISSUER}"
importlib.reload(router.wsgi)
print(*sorted(sys.modules))
"""
"""Prints the modules of a router that serves without sign-on, and then with it."""


def test_nothing_of_sign_on_is_imported_where_it_is_off_and_all_of_it_where_it_is_on(state_dir: Path) -> None:
    given = {"SLIPWAY_STATE_DIR": str(state_dir), "SLIPWAY_KEYCLOAK": "off"}
    folders.prepare(load(given | {"SLIPWAY_KEYCLOAK": ISSUER}))
    argv = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(argv, cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    off, on = (set(line.split()) for line in done.stdout.splitlines())
    assert {each for each in off if each.startswith(OF_SIGN_ON)} == set()
    assert set(OF_SIGN_ON) <= on
