from __future__ import annotations

from slipway.core.text.rewritten_lines import as_seen


def test_a_progress_bar_is_what_it_came_to() -> None:
    assert as_seen("10%\r50%\r100%") == "100%"
    assert as_seen("10%\r50%\r") == "50%"
    assert as_seen("from Windows\r") == "from Windows"
    assert as_seen("plain") == "plain"
