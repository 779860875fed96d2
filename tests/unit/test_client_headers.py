"""The headers that the edge takes out of requests are those that its reference names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "nginx/lua/slipway/request/client_headers.lua").read_text()
REFERENCE = (ROOT / "docs/reference/edge-http.md").read_text()


@pytest.mark.parametrize(("table", "mark"), [("BEGINNINGS", "*"), ("WHOLE", ""), ("ALLOWED", ""), ("CONSOLES", "")])
def test_the_reference_names_every_header_of_the_table(table: str, mark: str) -> None:
    [lines] = re.findall(rf"^local {table} = \{{\n(.*?)^\}}", SOURCE, re.MULTILINE | re.DOTALL)
    names = re.findall(r'"([a-z0-9-]+)"', lines)
    assert names
    assert [name for name in names if f"`{name}{mark}`" not in REFERENCE.lower()] == []
