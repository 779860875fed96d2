"""An image that can't be pulled keeps others from being asked for only where no registry answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.adapters.buildkit.cgroup import Caps
from slipway.adapters.buildkit.image_builder import BuildKit

CLIENT = """\
#!/bin/sh
[ "$1" = pull ] || exit 1
echo asked >> '{asked}'
cat '{answer}' >&2
exit 1
"""


def pulls_of_two(folder: Path, answer: str) -> int:
    """How often a registry is asked, for two images, where the client says this of each."""
    client, asked, said = (folder / name for name in ("docker", "asked", "answer"))
    said.write_text(answer)
    client.write_text(CLIENT.format(asked=asked, answer=said))
    client.chmod(0o755)
    images = BuildKit(str(client), "unix:///nowhere.sock", folder / "state", Caps(0), 0)
    assert not images.obtain_image("python:3.77-slim")
    assert not images.obtain_image("python:3.12-slim")
    return len(asked.read_text().splitlines())


@pytest.mark.parametrize(
    "answer",
    [
        "Error response from daemon: manifest for python:3.77-slim not found: manifest unknown: manifest unknown",
        "Error response from daemon: pull access denied for python, repository does not exist",
        "Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "write /var/lib/docker/tmp/x: no space left on device",
    ],
)
def test_the_next_image_is_asked_for_after_a_registry_refused_one(tmp_path: Path, answer: str) -> None:
    assert pulls_of_two(tmp_path, answer) == 2


@pytest.mark.parametrize(
    "answer",
    [
        'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: '
        "no such host",
        'Error response from daemon: Get "https://registry-1.docker.io/v2/": net/http: request canceled '
        "(Client.Timeout exceeded while awaiting headers)",
        "Error response from daemon: dial tcp 192.0.2.1:443: connect: connection refused",
    ],
)
def test_it_is_not_where_no_registry_answered(tmp_path: Path, answer: str) -> None:
    assert pulls_of_two(tmp_path, answer) == 1
