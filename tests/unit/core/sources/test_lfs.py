"""Pointers of Git LFS, and where their contents are asked for."""

from __future__ import annotations

import pytest

from slipway.core.naming import repository_address
from slipway.core.sources.lfs import (
    LONGEST_EXCLUSIONS,
    MOST_EXCLUSIONS,
    OBJECTS_A_BATCH,
    Pointer,
    batches,
    endpoint,
    exclusions,
    is_beside,
    is_wanted,
    pointer_of,
    unquoted,
)
from slipway.errors import InvalidInput

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n".encode()


@pytest.mark.parametrize(
    "content",
    [
        POINTER,
        POINTER.rstrip(b"\n"),
        POINTER.replace(b"git-lfs.github", b"hawser.github"),
        POINTER.replace(b"oid", b"ext-0-foo sha256:" + OID.encode() + b"\noid"),
    ],
)
def test_a_pointer_is_read(content: bytes) -> None:
    assert pointer_of(content) == Pointer(OID, 12345)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        POINTER + b"x",
        POINTER.replace(b"12345", b"-1"),
        POINTER.replace(b"12345", b"9" * 16),
        POINTER.replace(b"sha256", b"md5"),
        POINTER.replace(OID.encode(), b"../../" + OID[6:].encode()),
        POINTER.replace(b"\n", b"\r\n"),
        POINTER.replace(b"size", b"ext-1-x " + b"y" * 1000 + b"\nsize"),
    ],
)
def test_what_is_no_pointer_is_content(content: bytes) -> None:
    assert pointer_of(content) is None


@pytest.mark.parametrize(
    ("repository", "configured", "server"),
    [
        ("https://git.example:3000/a/b.git", "", "https://git.example:3000/a/b.git/info/lfs"),
        ("http://git.example/a/b", "", "http://git.example/a/b.git/info/lfs"),
        ("git@git.example:a/b.git", "", "https://git.example/a/b.git/info/lfs"),
        ("ssh://git@[2001:db8::1]:22/a/b", "", "https://[2001:db8::1]/a/b.git/info/lfs"),
        ("https://git.example/a/b.git", "https://lfs.example/x/", "https://lfs.example/x"),
    ],
)
def test_where_contents_are_asked_for(repository: str, configured: str, server: str) -> None:
    assert endpoint(repository_address.parse(repository), configured) == server


@pytest.mark.parametrize(
    ("configured", "beside"),
    [
        ("", True),
        ("https://git.example/a/b.git/info/lfs/", True),
        ("https://git.example/a/private.git/info/lfs", False),
        ("https://git.example/a/b.git/info/lfs/../../../private.git/info/lfs", False),
        ("https://lfs.example/a/b.git/info/lfs", False),
        ("file:///srv", False),
    ],
)
def test_which_server_is_beside_its_repository(configured: str, beside: bool) -> None:
    assert is_beside(repository_address.parse("https://git.example/a/b"), configured) is beside


@pytest.mark.parametrize("configured", ["ssh://git@git.example/a/b", "file:///srv/lfs", "git@git.example:a/b", "x"])
def test_a_server_that_is_no_web_address_is_refused(configured: str) -> None:
    with pytest.raises(InvalidInput):
        endpoint(repository_address.parse("https://git.example/a/b.git"), configured)


@pytest.mark.parametrize(
    ("path", "excluded", "wanted"),
    [
        ("video/a.mp4", "", True),
        ("video/a.mp4", "video", False),
        ("video/a.mp4", "/video, docs/**", False),
        ("docs/a.pdf", "video, docs/**", False),
        ("a.psd", "*.psd", False),
        ("logo.png", "video, *.psd", True),
    ],
)
def test_what_lfsconfig_excludes_is_not_wanted(path: str, excluded: str, wanted: bool) -> None:
    assert is_wanted(path, exclusions(excluded)) is wanted


@pytest.mark.parametrize(
    "configured", [",".join(["*.bin"] * (MOST_EXCLUSIONS + 1)), "x" * (LONGEST_EXCLUSIONS + 1)], ids=["many", "long"]
)
def test_more_patterns_than_pointers_are_compared_with_are_refused(configured: str) -> None:
    with pytest.raises(InvalidInput, match="more than 100 patterns, or more than 4000 characters"):
        exclusions(configured)


def test_contents_are_asked_for_once_and_in_batches() -> None:
    pointers = [Pointer(f"{number:064x}", 1) for number in range(OBJECTS_A_BATCH + 1)]
    assert [len(each) for each in batches([*pointers, *pointers])] == [OBJECTS_A_BATCH, 1]


@pytest.mark.parametrize(
    ("listed", "path"),
    [
        ("a/b.bin", b"a/b.bin"),
        ('"gr\\303\\266\\303\\237e.bin"', "größe.bin".encode()),
        ('"a\\tb\\"c\\\\d"', b'a\tb"c\\d'),
        ('"\\377"', b"\xff"),
        ('"', b'"'),
    ],
)
def test_paths_are_read_as_git_lists_them(listed: str, path: bytes) -> None:
    assert unquoted(listed) == path
