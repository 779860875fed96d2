"""A row that shall be changed is locked in one way: `slipway.models.TO_CHANGE` says why."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_lock_holds_back_who_refers_to_the_row() -> None:
    sources = [path for folder in ("slipway", "builder", "router", "webhook") for path in (ROOT / folder).rglob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sources
        for found in re.finditer(r"with_for_update\b[^\n]*", path.read_text())
        if "TO_CHANGE" not in found[0]
    ]
    assert not wrong
    assert len(sources) > 100
