"""What we read of a repository is in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.sources import source_tree
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
        ("Dockerfile", "deep/../../outside", "Dockerfile"),
        ("Dockerfile", "Dockerfile", "Dockerfile"),
        ("way", "../folder", "way/file"),
        ("way", "/", "way/etc/passwd"),
        ("way", "deep", "way/../../outside"),
    ],
)
def test_no_link_leads_out_of_the_repository(tree: SourceTree, link: str, target: str, path: str) -> None:
    os.symlink(target, tree.root / link)
    with pytest.raises(InvalidInput, match="link out of the repository"):
        tree.read(path)
    assert tree.beginning(path, 10) is None
    assert tree.paths(".") <= {"deep/file", "way/file"}


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("Dockerfile", "deep/file", "Dockerfile"),
        ("Dockerfile", "./deep/../deep/file", "Dockerfile"),
        ("way", "deep", "way/file"),
        ("deep/up", "..", "deep/up/deep/file"),
        ("deep/beside", "file", "deep/beside"),
    ],
)
def test_a_link_inside_the_repository_is_followed(tree: SourceTree, link: str, target: str, path: str) -> None:
    os.symlink(target, tree.root / link)
    assert tree.read(path) == b"inside"


def test_a_link_to_a_link_is_followed(tree: SourceTree) -> None:
    os.symlink("deep", tree.root / "first")
    os.symlink("first/file", tree.root / "second")
    assert tree.read("second") == b"inside"
    assert tree.folder("first") == tree.root / "deep"


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


def test_paths_list_files_and_what_links_inside_lead_to(tree: SourceTree) -> None:
    os.symlink("../folder", tree.root / "away")
    os.symlink("/etc/passwd", tree.root / "deep/link")
    assert tree.paths(".") == {"deep/file"}
    assert tree.paths("deep") == {"file"}
    os.symlink("deep/file", tree.root / "same")
    os.symlink("deep", tree.root / "way")
    assert tree.paths(".") == {"deep/file", "same", "way/file"}


def test_a_build_knows_no_file_outside_of_its_folder(tree: SourceTree) -> None:
    (tree.root / "shared").mkdir()
    (tree.root / "shared/file").write_text("")
    os.symlink("../shared/file", tree.root / "deep/link")
    os.symlink("../shared", tree.root / "deep/folder")
    assert tree.paths("deep") == {"file"}
    assert tree.paths(".") >= {"deep/link", "deep/folder/file"}


def test_links_that_lead_to_each_other_have_an_end(tree: SourceTree) -> None:
    folders = "abcdefghij"
    for folder in folders:
        (tree.root / folder).mkdir()
        (tree.root / folder / "file").write_text("")
        os.symlink("..", tree.root / folder / "up")
        for other in folders:
            os.symlink(f"../{other}", tree.root / folder / f"to-{other}")
    found = tree.paths(".")
    assert {"a/file", "a/to-b/file", "b/to-j/file"} <= found
    assert max(path.count("/") for path in found) == 2


def test_more_files_than_are_listed_are_refused(tree: SourceTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_tree, "MAX_LISTED", 3)
    assert tree.paths(".") == {"deep/file"}
    (tree.root / "second").write_text("")
    with pytest.raises(InvalidInput, match="more than 3 files"):
        tree.paths(".")
