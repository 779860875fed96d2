"""Each test is in a folder that its lane collects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import lanes
from tests.conftest import FOLDERS

ROOT = Path(__file__).parents[2]
MARKERS = {
    "stack": "stack",
    "firewall": "stack",
    "engine": "engine",
    "edge": "edge",
    "histories": "edge",
    "unit": "web",
    "web": "web",
}
"""Which lane the tests with a marker are in."""


@pytest.mark.parametrize(("marker", "lane"), MARKERS.items())
def test_a_lane_collects_every_file_with_its_marker(marker: str, lane: str) -> None:
    collected = {path for folder in lanes.FOLDERS[lane] for path in (ROOT / folder).rglob("test_*.py")}
    marked = re.compile(rf"\bmark\.{marker}\b")
    files = {path for path in (ROOT / "tests").rglob("test_*.py") if marked.search(path.read_text())}
    folders = [ROOT / "tests" / folder for folder, name in FOLDERS.items() if name == marker]
    files |= {path for folder in folders for path in folder.rglob("test_*.py")}
    assert files - {Path(__file__)} <= collected


def test_what_has_no_marker_is_collected() -> None:
    """The lanes `engine` and `others` tell the tests of the same folders apart."""
    assert lanes.FOLDERS["engine"] == lanes.FOLDERS["others"]
    named = {*lanes.FOLDERS["others"], *(f"tests/{folder}" for folder in FOLDERS)}
    run_by_hand = {"tests/bench", "tests/soak"}
    assert {
        str(path.relative_to(ROOT)) for path in ROOT.glob("tests/*/") if any(path.rglob("test_*.py"))
    } - run_by_hand <= named


def test_the_lanes_leave_nothing_out() -> None:
    assert lanes.FOLDERS.keys() == lanes.LANES.keys()
