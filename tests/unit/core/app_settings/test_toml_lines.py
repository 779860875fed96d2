from __future__ import annotations

import pytest

from slipway.core.app_settings.toml_lines import line_of

TEXT = """\
# how it runs
port = 8080
"bogus" = 1

[processes.web]
command = "gunicorn app:app"
[processes]
worker.command = "rq"
resources = { cpu = 1 }
[timeouts]  # seconds
probe_s = 3
[[volumes]]
path = "/data"
[[volumes]]
path = "uploads"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["port"], 2),
        (["bogus"], 3),
        (["processes", "web"], 5),
        (["processes", "web", "command"], 6),
        (["processes", "worker", "command"], 8),
        (["processes", "resources", "cpu"], 9),
        (["timeouts", "probe_s"], 11),
        (["timeouts"], 10),
        (["volumes"], 12),
        (["volumes", "1"], 14),
        (["volumes", "1", "path"], 15),
        (["nowhere"], None),
    ],
)
def test_a_key_is_found_or_what_holds_it(path: list[str], line: int | None) -> None:
    assert line_of(TEXT, path) == line
