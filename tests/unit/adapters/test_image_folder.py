"""Where free space for images is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.adapters.buildkit.image_folder import seen_from_here

UNIX, FAR = "unix:///var/run/docker.sock", "tcp://builder.example.org:2376"


@pytest.mark.parametrize("docker_host", [UNIX, FAR])
def test_it_is_the_data_folder_where_that_is_in_sight(tmp_path: Path, docker_host: str) -> None:
    assert seen_from_here(tmp_path, docker_host) == tmp_path


def test_in_a_container_of_the_engine_its_own_files_lie_there_too(tmp_path: Path) -> None:
    assert seen_from_here(tmp_path / "docker", UNIX, own=tmp_path) == tmp_path


def test_a_far_engines_stays_out_of_sight(tmp_path: Path) -> None:
    assert not seen_from_here(tmp_path / "docker", FAR, own=tmp_path).exists()
