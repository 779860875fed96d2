"""What an app printed by itself."""

from __future__ import annotations

from slipway.core.rollout.own_lines import own_lines


def test_the_apps_own_lines_go_before_the_log_of_our_asking() -> None:
    asked = ['10.1.2.1 - - "GET /health HTTP/1.1" 500 0', '10.1.2.1 "GET / HTTP/1.1" 200 "slipway-probe"']
    assert own_lines(["no database", asked[0], 'x "GET /healthy HTTP/1.1" 200', asked[1]], "/health") == [
        "no database",
        'x "GET /healthy HTTP/1.1" 200',
    ]
    assert own_lines(asked, "/health") == asked
