"""What we read of a repository is in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.sources.source_tree import SourceTree
from slipway.errors import InvalidInput


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "deep/file").write_text("inside")
    (tmp_path / "outside").write_text("outside")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("outside")
    return SourceTree(root)


def test_regular_files_are_read_and_missing_ones_are_none(tree: SourceTree) -> None:
    assert tree.read("deep/file") == b"inside"
    assert tree.read("deep/none") is None
    assert tree.read("none/none") is None


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("Dockerfile", "../outside", "Dockerfile"),
        ("Dockerfile", "/etc/passwd", "Dockerfile"),
        ("Dockerfile", "deep/file", "Dockerfile"),
        ("way", "../folder", "way/file"),
        ("way", "/", "way/etc/passwd"),
    ],
)
def test_no_link_is_followed(tree: SourceTree, link: str, target: str, path: str) -> None:
    os.symlink(target, tree.root / link)
    with pytest.raises(InvalidInput, match="link"):
        tree.read(path)


def test_what_is_no_file_is_refused(tree: SourceTree) -> None:
    os.mkfifo(tree.root / "pipe")
    for path in ("pipe", "deep"):
        with pytest.raises(InvalidInput):
            tree.read(path)


def test_a_huge_file_is_refused(tree: SourceTree) -> None:
    with (tree.root / "huge").open("wb") as file:
        file.truncate(2 << 20)
    with pytest.raises(InvalidInput, match="1 MB"):
        tree.read("huge")


def test_a_context_folder_must_be_a_real_one(tree: SourceTree) -> None:
    os.symlink("../folder", tree.root / "away")
    assert tree.folder(".") == tree.root
    assert tree.folder("deep") == tree.root / "deep"
    for path in ("away", "none", "deep/file"):
        with pytest.raises(InvalidInput):
            tree.folder(path)


def test_paths_list_regular_files_only(tree: SourceTree) -> None:
    os.symlink("../folder", tree.root / "away")
    os.symlink("/etc/passwd", tree.root / "deep/link")
    assert tree.paths(".") == {"deep/file"}
    assert tree.paths("deep") == {"file"}
