"""Each test is in a folder that its lane collects, and each lane ends."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests import lanes

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
    folders = [ROOT / "tests" / folder for folder, name in lanes.MARKED_FOLDERS.items() if name == marker]
    files |= {path for folder in folders for path in folder.rglob("test_*.py")}
    assert files - {Path(__file__)} <= collected


def test_what_has_no_marker_is_collected() -> None:
    """The lanes `engine` and `others` tell the tests of the same folders apart."""
    assert {*lanes.FOLDERS["engine"]} >= {*lanes.FOLDERS["others"]}
    named = [ROOT / folder for folders in lanes.FOLDERS.values() for folder in folders]
    own_runs = ("integration/identity", "integration/acme", "integration/forges", "integration/browser")
    by_hand = ("bench", "soak", *own_runs)
    run_by_hand = [ROOT / "tests" / folder for folder in by_hand]
    files = (ROOT / "tests").rglob("test_*.py")
    assert [path for path in files if not any(path.is_relative_to(each) for each in (*named, *run_by_hand))] == []


def test_the_lanes_leave_nothing_out() -> None:
    assert lanes.FOLDERS.keys() == lanes.LANES.keys()


def test_a_lane_that_goes_on_after_its_summary_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "ENDS_WITHIN_S", 0.1)
    said = "import time; print('===== 3 passed in 1.20s =====', flush=True); time.sleep(600)"
    lane = lanes.Lane("web", [sys.executable, "-c", said])
    lane.start()
    assert lane.wait() != 0
    assert any("did not end after its summary" in each for each in lane.failures)
