"""The login page in Slipway's look."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser, verifier_and_challenge
from tests.integration.identity.test_tokens import CALLBACK

SIZE = "1000,800"


def _page(keycloak: KeycloakServer) -> httpx.Response:
    with Browser(f"{keycloak.url}/realms/slipway") as browser:
        return browser.authorize(
            "slipway-router", CALLBACK, code_challenge=verifier_and_challenge()[1], code_challenge_method="S256"
        )


def test_it_has_our_style_our_logo_and_keycloaks_template(keycloak: KeycloakServer) -> None:
    page = _page(keycloak)
    (style,) = re.findall(r'href="([^"]+/login/slipway/css/slipway\.css)"', page.text)
    css = httpx.get(f"{keycloak.url}{style}", timeout=120)
    assert (css.status_code, css.headers["content-type"].partition(";")[0]) == (200, "text/css")
    logo = httpx.get(f"{keycloak.url}{style.removesuffix('css/slipway.css')}img/logo.svg", timeout=120)
    assert (logo.status_code, logo.headers["content-type"]) == (200, "image/svg+xml")
    assert 'id="kc-form-login"' in page.text
    assert ">Slipway<" in re.sub(r"\s+", "", page.text)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_draws_it(keycloak: KeycloakServer, tmp_path: Path) -> None:
    picture = tmp_path / "login.png"
    argv = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    argv += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={SIZE}", f"--screenshot={picture}"]
    done = subprocess.run([*argv, str(_page(keycloak).url)], capture_output=True, text=True, timeout=300, check=False)
    assert picture.stat().st_size > 10_000, done.stderr
