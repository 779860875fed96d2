"""What browsers keep: under names with digests, and of others only what the lock file names."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from flask import Flask

from router.console import assets, vendoring
from router.console.vendoring import IntegrityError
from slipway.errors import NotFound

MOST_COMPRESSED = 60_000
"""All scripts, styles and signs together: pages come on top."""


@pytest.fixture
def app() -> Flask:
    return Flask("test")


def test_what_is_vendored_is_what_the_lock_file_names() -> None:
    named = {name: file for package in vendoring.packages() for name, file in package["files"].items()}
    assert {path.name for path in vendoring.VENDORED.iterdir()} == named.keys()
    for name, file in named.items():
        assert vendoring.integrity((vendoring.VENDORED / name).read_bytes(), "sha384") == file["integrity"], name


def test_every_package_is_fetched_over_tls_by_its_version_and_brings_its_licence() -> None:
    for package in vendoring.packages():
        assert package["url"].startswith("https://registry.npmjs.org/")
        assert package["url"].endswith(f"-{package['version']}.tgz")
        assert package["integrity"].startswith("sha512-")
        assert any(name.endswith(".LICENSE") for name in package["files"])


def tarball(*names: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    return written.getvalue()


def test_vendoring_takes_the_named_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = tarball("dist/a.js", "dist/other.js")
    package = {"name": "a", "version": "1", "url": "https://x/a-1.tgz", "files": {"a.js": {"from": "dist/a.js"}}}
    monkeypatch.setattr(vendoring, "packages", lambda: [package | {"integrity": vendoring.integrity(made)}])
    locked = vendoring.vendor(lambda _url: made, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.js"]
    assert locked[0]["files"]["a.js"]["integrity"] == vendoring.integrity(b"dist/a.js", "sha384")


def test_another_package_than_the_named_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"vendor\.lock\.json"):
        vendoring.vendor(lambda _url: tarball("dist/htmx.min.js"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_kept_for_a_year_under_a_name_that_changes_with_it(app: Flask) -> None:
    name = assets.url_of("console.css").removeprefix(assets.PATH)
    with app.test_request_context(headers={"Accept-Encoding": "br, gzip"}):
        compressed = assets.respond(name)
    with app.test_request_context():
        plain = assets.respond(name)
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.mimetype == "text/css"
    assert gzip.decompress(compressed.data) == plain.data == (assets.STATIC / "console.css").read_bytes()
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", ["console.css", "console.000000000000.css", "../console.js", "vendor/htmx.min.js", ""])
def test_no_other_name_is_a_file(app: Flask, name: str) -> None:
    with app.test_request_context(), pytest.raises(NotFound):
        assets.respond(name)


def test_all_of_them_are_light() -> None:
    assert sum(len(each.compressed) for each in assets._by_file().values()) < MOST_COMPRESSED
