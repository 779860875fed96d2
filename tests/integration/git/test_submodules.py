"""Submodules are fetched, private ones too; and nothing that `.gitmodules` says leads anywhere else."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slipway.adapters.git import folders, tree
from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.linux import processes
from slipway.core.sources import submodules
from slipway.errors import DeploymentFailed
from slipway.ports.building import Commit
from tests.integration.git.conftest import TOKEN, Origin, listening, sources
from tests.integration.git.submodule_commits import LIBRARY, absolute, linked, published, repository


@pytest.fixture
def library(origin: Origin, tmp_path: Path) -> str:
    """A private repository beside the app's, with one commit."""
    return published(origin, tmp_path / "lib", LIBRARY, lib__py="shared = True\n")


def fetched(origin: Origin, commit: str, folder: Path) -> Commit:
    taken = sources(folder.parent, origin.forge.base_url)
    return taken.fetch(origin.repository, commit, folder, stopped=processes.never)


def refused(origin: Origin, commit: str, folder: Path) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as failed:
        fetched(origin, commit, folder)
    assert list(folder.parent.glob("source*")) == [folder], "git's own data is gone"
    return failed.value


def test_a_private_submodule_of_the_same_host_is_fetched_with_the_apps_token(
    origin: Origin, library: str, folder: Path
) -> None:
    commit = fetched(origin, linked(origin, library, absolute(origin)), folder)
    assert (folder / "lib/lib.py").read_text() == "shared = True\n"
    assert not (folder / "lib/.git").exists()
    assert commit.notes == (f"fetching the submodule lib at {library[:7]} from {absolute(origin)}",)
    assert list(folder.parent.glob("source*")) == [folder]


@pytest.mark.parametrize("url", ["../lib.git", "./../lib.git", "../../acme/lib.git"])
def test_a_relative_address_is_beside_the_apps(origin: Origin, library: str, folder: Path, url: str) -> None:
    fetched(origin, linked(origin, library, url), folder)
    assert (folder / "lib/lib.py").exists()


def test_an_address_for_ssh_at_the_apps_host_is_fetched_as_the_app_is(
    origin: Origin, library: str, folder: Path
) -> None:
    fetched(origin, linked(origin, library, "git@127.0.0.1:acme/lib.git"), folder)
    assert (folder / "lib/lib.py").exists()


def test_submodules_of_submodules_are_fetched(origin: Origin, folder: Path, tmp_path: Path) -> None:
    library = published(origin, tmp_path / "lib", LIBRARY, private=False, lib__py="shared = True\n")
    outer = repository(origin, tmp_path / "outer", "acme/outer", private=True)
    outer.copy.commit("First", outer__py="outer = True\n")
    fetched(origin, linked(origin, linked(outer, library, "../lib.git"), "../outer.git", "vendor/outer"), folder)
    assert (folder / "vendor/outer/lib/lib.py").exists()


def test_a_submodule_that_names_itself_ends(
    origin: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit can't name itself, but one before it: the chain is as long as somebody makes it."""
    monkeypatch.setattr(submodules, "DEEPEST", 3)
    chain = repository(origin, tmp_path / "chain", "acme/chain", private=False)
    commit = chain.push("First", a__txt="a")
    for _ in range(5):
        commit = linked(chain, commit, "../chain.git")
    failed = refused(origin, linked(origin, commit, "../chain.git"), folder)
    assert (failed.reason, "deep" in failed.message) == ("source-too-large", True)


def test_very_many_submodules_are_too_many(
    origin: Origin, library: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submodules, "MOST", 1)
    more = '[submodule "two"]\n\tpath = two\n\turl = ../lib.git\n'
    origin.copy.git("update-index", "--add", "--cacheinfo", f"160000,{library},two")
    assert "more than 1 submodules" in refused(origin, linked(origin, library, "../lib.git", more=more), folder).message


def test_files_of_submodules_count_as_the_commits_own(
    origin: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, Any] = {f"f{number}": "x" for number in range(5)}
    library = published(origin, tmp_path / "large", LIBRARY, **files)
    monkeypatch.setattr(tree, "MAX_ENTRIES", 5)
    failed = refused(origin, linked(origin, library, "../lib.git"), folder)
    assert failed.reason == "source-too-large"
    assert not failed.message.startswith("the submodule")


def test_a_commit_that_the_submodule_has_not_is_named(origin: Origin, library: str, folder: Path) -> None:
    failed = refused(origin, linked(origin, "1" * 40, "../lib.git"), folder)
    assert (failed.reason, failed.message.startswith("the submodule lib: ")) == ("commit-missing", True)
    assert library
    assert "update = none in .gitmodules" in failed.remedy


def test_a_submodule_that_the_token_may_not_read_says_so(origin: Origin, folder: Path, tmp_path: Path) -> None:
    library = published(origin, tmp_path / "other", LIBRARY, token="another-token-entirely")
    failed = refused(origin, linked(origin, library, "../lib.git"), folder)
    assert failed.reason == "clone-refused"
    assert "credential" in failed.remedy
    assert TOKEN not in failed.message + failed.remedy + failed.tail


def test_a_gitmodules_that_nobody_would_read_is_refused(
    origin: Origin, library: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MAX_CONFIG_BYTES", 10)
    assert refused(origin, linked(origin, library, "../lib.git"), folder).reason == "source-too-large"


def test_git_own_way_to_leave_one_out_is_followed(origin: Origin, library: str, folder: Path) -> None:
    commit = fetched(origin, linked(origin, library, "../lib.git", more="\tupdate = none\n"), folder)
    assert list((folder / "lib").iterdir()) == []
    assert commit.notes == ("lib is a submodule that .gitmodules leaves out: update = none",)


def test_one_that_gitmodules_does_not_name_stays_empty(origin: Origin, library: str, folder: Path) -> None:
    commit = fetched(origin, linked(origin, library, "../lib.git", more="\tpath = elsewhere\n"), folder)
    assert list((folder / "lib").iterdir()) == []
    assert "lib is a submodule that .gitmodules does not name" in commit.notes[0]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "b0 and 299 more are submodules that .gitmodules does not name: their folders stay empty"),
        (
            "".join(f'[submodule "b{n}"]\n\tpath = b{n}\n\turl = ../b.git\n\tupdate = none\n' for n in range(300)),
            "b0 and 299 more are submodules that .gitmodules leaves out: update = none",
        ),
    ],
    ids=["not named", "left out"],
)
def test_very_many_that_are_not_fetched_are_one_note(
    origin: Origin, library: str, folder: Path, more: str, says: str
) -> None:
    for number in range(300):
        origin.copy.git("update-index", "--add", "--cacheinfo", f"160000,{library},b{number}")
    notes = fetched(origin, linked(origin, library, "../lib.git", more=more), folder).notes
    assert len(notes) == 2
    assert says in notes


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "/etc",
        "../../../../etc",
        "../..",
        "..",
        ".",
        "../a/../../b.git",
        "ext::sh -c touch% ran",
        "git://127.0.0.1/acme/lib.git",
        "--upload-pack=touch ran",
        "-u./lib.git",
        "ssh://-oProxyCommand=touch%20ran/x",
        "git@-oProxyCommand=x:a/b",
        "https://me:secret@127.0.0.1/acme/lib.git",
        "http://127.1:80/a/b.git",
        "http://[::ffff:127.0.0.1]/a/b.git",
        "http://2130706433/a/b.git",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_and_nothing_runs(
    origin: Origin, library: str, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(folder.parent)
    takes_anything(folder.parent)
    commit = linked(origin, library, url)
    if url == "":
        assert fetched(origin, commit, folder).notes
    else:
        failed = refused(origin, commit, folder)
        assert (failed.reason, failed.message.startswith("the submodule lib: ")) == ("clone-refused", True)
    assert not list(folder.parent.rglob("ran"))


@pytest.mark.parametrize("scheme", ["http", "https", "ssh"])
@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "10.1.2.3", "169.254.169.254", "slipway.localhost"])
def test_a_host_inside_is_refused_unless_it_is_listed(
    origin: Origin, library: str, folder: Path, scheme: str, host: str
) -> None:
    taken = GitSources(Limits(("public", urlsplit(origin.forge.base_url).netloc), 64 << 20), folder.parent, {})
    commit = linked(origin, library, f"{scheme}://{host}/acme/lib.git")
    with pytest.raises(DeploymentFailed) as failed:
        taken.fetch(origin.repository, commit, folder, stopped=processes.never)
    assert failed.value.reason == "clone-refused"
    assert "inside this host or network" in failed.value.message


def test_a_service_of_this_host_is_not_reached_by_a_name_that_leads_to_it(
    origin: Origin, library: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n") as inner:
        port = urlsplit(inner.url).port
        netloc = urlsplit(origin.forge.base_url).netloc
        taken = GitSources(Limits(("public", netloc), 64 << 20), folder.parent, {})
        found = [(2, 1, 6, "", ("127.0.0.1", 0))]
        monkeypatch.setattr("slipway.adapters.git.public_hosts.socket.getaddrinfo", lambda *_, **__: found)
        commit = linked(origin, library, f"http://innocent.example:{port}/acme/lib.git")
        with pytest.raises(DeploymentFailed, match=r"resolves to 127\.0\.0\.1"):
            taken.fetch(origin.repository, commit, folder, stopped=processes.never)
        assert inner.received == []


def test_another_hosts_submodule_gets_no_credential(origin: Origin, library: str, folder: Path) -> None:
    with listening(b"HTTP/1.1 401 no\r\nContent-Length: 0\r\n\r\n") as other:
        taken = sources(folder.parent, origin.forge.base_url, other.url)
        commit = linked(origin, library, f"{other.url}/acme/lib.git")
        with pytest.raises(DeploymentFailed, match=r"the submodule lib: .* lets nobody read") as failed:
            taken.fetch(origin.repository, commit, folder, stopped=processes.never)
        assert other.received
        assert b"authorization" not in b"".join(other.received).lower()
    assert "at the app's own host alone" in failed.value.remedy


def test_a_submodule_below_a_link_is_not_written_where_that_leads(
    origin: Origin, library: str, folder: Path, tmp_path: Path
) -> None:
    """A tree may name one path as a link and as a folder, which git itself never writes."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (origin.copy.path / "vendor").symlink_to(outside)
    linked(origin, library, "../lib.git", "vendor/lib".replace("/", "-"))
    origin.copy.git("add", "vendor")
    (origin.copy.path / ".gitmodules").write_text('[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib.git\n')
    origin.copy.git("add", ".gitmodules")
    listed = origin.copy.git("ls-tree", origin.copy.git("write-tree")).splitlines()
    inner = made_tree(origin, [f"160000 commit {library}\tlib"])
    whole = made_tree(origin, [*listed, f"040000 tree {inner}\tvendor"])
    commit = origin.copy.git("commit-tree", "-m", "Twice", whole)
    bare = takes_anything(tmp_path)
    origin.copy.git("push", "--quiet", "--force", "--", str(bare), f"{commit}:refs/heads/main")
    with contextlib.suppress(DeploymentFailed):
        fetched(origin, commit, folder)
    assert list(outside.iterdir()) == []


def takes_anything(folder: Path) -> Path:
    """Have the forge take what git finds fault with, as a forge may that its attacker runs. Its repository."""
    bare = folder / "forge/acme/shop.git"
    subprocess.run(["git", "-C", str(bare), "config", "receive.fsckObjects", "false"], check=True)
    return bare


def made_tree(origin: Origin, lines: list[str]) -> str:
    argv = ["git", "-C", str(origin.copy.path), "mktree", "--missing"]
    made = subprocess.run(argv, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    return made.stdout.strip()


def test_only_an_empty_folder_without_a_link_in_its_path_is_a_submodules(tmp_path: Path) -> None:
    (tmp_path / "root/empty").mkdir(parents=True)
    (tmp_path / "root/full").mkdir()
    (tmp_path / "root/full/a").write_text("a")
    (tmp_path / "outside/in").mkdir(parents=True)
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    root = tmp_path / "root"
    assert folders.is_empty(root, "empty")
    for path in ("full", "full/a", "link", "link/in", "../outside/in", "none", "empty/../empty"):
        assert not folders.is_empty(root, path)
