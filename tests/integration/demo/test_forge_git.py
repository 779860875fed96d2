"""The forge serves git as GitHub does: the real git pushes to it and fetches from it."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slipway.demo.forge.forge import Forge
from tests.forge import WorkingCopy, request


@pytest.mark.parametrize("suffix", [".git", ""])
def test_what_is_pushed_can_be_cloned_with_and_without_the_suffix(
    forge: Forge, copy: WorkingCopy, tmp_path: Path, suffix: str
) -> None:
    forge.create_repository("acme/hello")
    sha = copy.commit(app__py="print('hello')\n")
    url = forge.clone_url("acme/hello").removesuffix(".git") + suffix
    copy.git("push", "--quiet", url, "main")

    copy.git("clone", "--quiet", url, str(tmp_path / "clone"))

    assert (tmp_path / "clone" / "app.py").read_text() == "print('hello')\n"
    assert forge.refs("acme/hello") == {"refs/heads/main": sha}


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_one_commit_is_fetched_by_its_id_even_after_a_forced_push(
    forge: Forge, copy: WorkingCopy, tmp_path: Path, protocol: str
) -> None:
    forge.create_repository("acme/hello")
    copy.commit(app__py="1\n")
    lost = copy.commit(app__py="2\n")
    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main")
    copy.git("reset", "--quiet", "--hard", "HEAD^")
    copy.commit(app__py="3\n")
    copy.git("push", "--quiet", "--force", forge.clone_url("acme/hello"), "main")

    other = WorkingCopy(tmp_path / "other")
    version = f"protocol.version={protocol}"
    other.git("-c", version, "fetch", "--quiet", "--depth", "1", forge.clone_url("acme/hello"), lost)

    assert other.git("rev-parse", "FETCH_HEAD") == lost
    assert other.git("rev-list", "--count", "FETCH_HEAD") == "1"


@pytest.mark.parametrize("version", ["0", "2"])
def test_both_protocol_versions_are_spoken(forge: Forge, copy: WorkingCopy, version: str) -> None:
    forge.create_repository("acme/hello")
    sha = copy.commit()
    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main")

    listing = copy.git("-c", f"protocol.version={version}", "ls-remote", forge.clone_url("acme/hello"), "main")

    assert listing.split() == [sha, "refs/heads/main"]


def test_protocol_2_is_answered_when_it_is_asked_for(forge: Forge) -> None:
    forge.create_repository("acme/hello")
    url = f"{forge.clone_url('acme/hello')}/info/refs?service=git-upload-pack"

    status, body = request("GET", url, headers={"Git-Protocol": "version=2"})

    assert status == 200
    assert b"version 2" in body


def test_a_push_larger_than_gits_buffer_arrives_in_chunks(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello")
    (copy.path / "data.bin").write_bytes(hashlib.shake_128(b"incompressible").digest(3_000_000))
    sha = copy.commit()

    copy.git("-c", "http.postBuffer=65536", "push", "--quiet", forge.clone_url("acme/hello"), "main")

    assert forge.refs("acme/hello")["refs/heads/main"] == sha


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_request_is_understood_plain_and_compressed(forge: Forge, compress: Callable[[bytes], bytes]) -> None:
    forge.create_repository("acme/hello")
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
    headers |= {"Content-Encoding": "gzip"} if compress is gzip.compress else {}
    body = compress(b"0014command=ls-refs\n0016object-format=sha100010008peel0000")

    answer = request("POST", f"{forge.clone_url('acme/hello')}/git-upload-pack", body, headers)

    assert answer == (200, b"0000")


def test_a_private_repository_is_closed_without_its_token(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/secret", private=True, token="t0ken")
    forge.create_repository("acme/other", private=True, token="other")
    copy.commit()
    url = forge.clone_url("acme/secret")
    with_token = forge.push_url("acme/secret")

    assert "could not read Username" in copy.run("push", url, "main").stderr
    assert "Authentication failed" in copy.run("push", url.replace("://", "://x:wrong@"), "main").stderr
    assert "not found" in copy.run("ls-remote", url.replace("://", "://x:other@")).stderr
    copy.git("push", "--quiet", with_token, "main")
    assert copy.run("ls-remote", url).returncode != 0
    assert copy.git("ls-remote", with_token, "main")
    assert copy.git("-c", "http.extraHeader=Authorization: Bearer t0ken", "ls-remote", url, "main")


def test_a_public_repository_with_a_token_is_read_by_all_and_written_with_it(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello", token="t0ken")
    copy.commit()

    assert copy.run("push", forge.clone_url("acme/hello"), "main").returncode != 0
    copy.git("push", "--quiet", forge.push_url("acme/hello"), "main")
    assert copy.git("ls-remote", forge.clone_url("acme/hello"), "main")


def test_an_unknown_repository_asks_for_credentials_like_a_private_one(forge: Forge, copy: WorkingCopy) -> None:
    outcome = copy.run("ls-remote", f"{forge.base_url}/acme/nothing.git")

    assert "could not read Username" in outcome.stderr


@pytest.mark.parametrize("path", ["/acme/hello.git/config", "/acme/hello.git/HEAD", "/acme/../../etc/passwd"])
def test_files_of_a_repository_are_not_served(forge: Forge, path: str) -> None:
    forge.create_repository("acme/hello")

    assert request("GET", forge.base_url + path)[0] == 404


def test_the_first_branch_becomes_the_default_when_main_is_not_there(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello")
    copy.commit()
    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main:trunk")

    assert forge.repository_payload("acme/hello")["default_branch"] == "trunk"


def test_pushes_at_the_same_moment_are_each_delivered_once(forge: Forge, tmp_path: Path) -> None:
    forge.create_repository("acme/hello")
    forge.add_hook("acme/hello", "http://127.0.0.1:9/hook", "")
    copies = [WorkingCopy(tmp_path / f"copy-{number}") for number in range(4)]
    shas = {f"refs/heads/b{number}": copy.commit(f"by {number}") for number, copy in enumerate(copies)}

    with ThreadPoolExecutor(4) as pool:
        for number, copy in enumerate(copies):
            pool.submit(copy.git, "push", "--quiet", forge.clone_url("acme/hello"), f"main:b{number}")

    assert sorted((d.payload["ref"], d.payload["after"]) for d in forge.pushes()) == sorted(shas.items())


def test_a_push_that_breaks_off_changes_nothing_and_the_next_one_succeeds(forge: Forge, copy: WorkingCopy) -> None:
    forge.create_repository("acme/hello")
    sha = copy.commit()
    with socket.create_connection(("127.0.0.1", urlsplit(forge.base_url).port)) as client:
        head = "POST /acme/hello/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n"
        client.sendall(f"{head}Content-Type: application/x-git-receive-pack-request\r\n\r\n00".encode())

    copy.git("push", "--quiet", forge.clone_url("acme/hello"), "main")

    assert forge.refs("acme/hello") == {"refs/heads/main": sha}


def test_a_restarted_forge_knows_its_repositories(tmp_path: Path, copy: WorkingCopy) -> None:
    copy.commit()
    with Forge(tmp_path / "forge") as first:
        first.create_repository("acme/secret", private=True, token="t0ken")
        hook = first.add_hook("acme/secret", "http://127.0.0.1:9/", "s")
        copy.git("push", "--quiet", first.push_url("acme/secret"), "main")

    with Forge(tmp_path / "forge") as second:
        assert copy.git("ls-remote", second.push_url("acme/secret"), "main")
        assert second.registry.get("acme/secret").hooks == [hook]
