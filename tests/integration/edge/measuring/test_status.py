"""The private listener's /status: operators' scripts read its fields by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[4] / "docs/reference/edge.md"


@pytest.fixture
def rig(shared_rig):
    return shared_rig


def test_every_field_is_in_the_docs_and_the_other_way_round(rig):
    (row,) = [line for line in DOCS.read_text().splitlines() if line.startswith("| `GET /status` |")]
    described = re.sub(r"\([^)]*\)", "", row.removeprefix("| `GET /status` |"))

    assert set(rig.edge.status) == set(re.findall(r"`(\w+)`", described))
