"""The Node example of docs/guide/identity-headers.md verifies what the router signs, and nothing else. It is here since
a host needs no Node for `make test`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.identity.identity_examples import Console, console, example, forged

_DRIVER = """
import { readFileSync } from "node:fs";
import { caller } from "./identity.mjs";
const found = {};
for (const [name, header] of Object.entries(JSON.parse(readFileSync(0)))) found[name] = await caller(header);
console.log(JSON.stringify(found));
"""


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Console]:
    with console(tmp_path) as made:
        yield made


def judged(at: Console, folder: Path, headers: dict[str, str | None]) -> dict[str, Any]:
    """What the example's `caller` returns for each header."""
    assert shutil.which("node"), "Node is not installed: apt-get install nodejs"
    (folder / "identity.mjs").write_text(example("js"))
    (folder / "driver.mjs").write_text(_DRIVER)
    done = subprocess.run(
        ["node", "driver.mjs"],
        cwd=folder,
        input=json.dumps(headers),
        env={"PATH": os.environ["PATH"], **at.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_takes_what_slipway_signed_for_this_app_and_nothing_else(at: Console, tmp_path: Path) -> None:
    claims = at.claims()
    found = judged(at, tmp_path, {"good": at.header(**claims), "missing": None, **forged(at)})
    assert found.pop("good") == claims
    assert {name: claims for name, claims in found.items() if claims is not None} == {}


def test_it_asks_for_keys_once_however_many_unknown_ones_come(at: Console, tmp_path: Path) -> None:
    unknown = {str(number): forged(at)["of an unknown key"] for number in range(20)}
    judged(at, tmp_path, {"good": at.header(), **unknown})
    assert [asked.endpoint for asked in at.asked] == ["jwks.json"]
