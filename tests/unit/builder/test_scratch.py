"""Sources live in memory, and nothing of them remains."""

from __future__ import annotations

import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.sources import scratch
from slipway.errors import DeploymentFailed

MEMORY = Path("/dev/shm")


@pytest.fixture
def base() -> Iterator[Path]:
    folder = MEMORY / f"slipway-test-{secrets.token_hex(4)}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_scratch_folder_is_private_and_gone_afterwards(base: Path) -> None:
    with scratch.scratch(base, "7-0", room_bytes=1) as folders:
        (folders.source / "file").write_text("x")
        assert stat.S_IMODE(folders.folder.stat().st_mode) == 0o700
        assert folders.build_plan.is_dir()
    assert list(base.iterdir()) == []


def test_it_is_gone_after_a_failure_too(base: Path) -> None:
    with pytest.raises(RuntimeError), scratch.scratch(base, "7-0", room_bytes=1):
        raise RuntimeError
    assert list(base.iterdir()) == []


def test_a_folder_on_disk_is_refused(tmp_path: Path) -> None:
    if scratch.file_system(tmp_path) in scratch.IN_MEMORY:
        pytest.skip("temporary files live in memory here")
    with pytest.raises(DeploymentFailed, match="written to disk"), scratch.scratch(tmp_path, "7-0", room_bytes=1):
        pass


def test_too_little_room_is_refused_with_figures(base: Path) -> None:
    with (
        pytest.raises(DeploymentFailed, match=r"\d+ MB are free") as refused,
        scratch.scratch(base, "7-0", room_bytes=1 << 60),
    ):
        pass
    assert refused.value.reason == "scratch-full"


def test_sweeping_removes_what_nobody_holds(base: Path) -> None:
    with scratch.scratch(base, "held", room_bytes=1):
        (base / "left").mkdir()
        (base / "left/owner.lock").touch()
        (base / "left/source").mkdir()
        assert scratch.sweep(base) == 1
        assert [path.name for path in base.iterdir()] == ["held"]
    assert scratch.sweep(base / "nowhere") == 0


def test_the_longest_mount_decides(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n")
    assert scratch.file_system(tmp_path, mounts) == "tmpfs"
    assert scratch.file_system(Path("/usr"), mounts) == "ext4"
