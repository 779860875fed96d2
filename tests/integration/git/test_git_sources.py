"""Sources come from real servers by real git: one commit, and no trace of the credential."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.git import access, checkout, difference, git_sources, tree
from slipway.adapters.git.access import Access
from slipway.adapters.linux import processes
from slipway.core.text.redaction import MASK
from slipway.errors import DeploymentFailed
from slipway.ports.building import Branches, Interrupted, Repository
from tests.fixtures.waiting import eventually
from tests.integration.git.conftest import TOKEN, Origin, listening, sources


def test_exactly_the_files_of_the_commit_arrive(origin: Origin, folder: Path, tmp_path: Path) -> None:
    first = origin.push("First\n\nWith a body", a__txt="one\n", b__txt="b\n")
    origin.push("Second", a__txt="two\n")
    commit = sources(tmp_path, origin.forge.base_url).fetch(origin.repository, first, folder, stopped=processes.never)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "one\n", "b.txt": "b\n"}
    assert (commit.sha, commit.author) == (first, "Ada Löve")
    assert commit.message == "First\n\nWith a body"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("source")] == ["source"]


def test_a_server_that_gives_no_commit_by_id_gives_its_branches(
    origin: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The old protocol: a server refuses ids that no ref names.
    monkeypatch.setitem(access.CONFIGURATION, "protocol.version", "0")
    monkeypatch.setattr(checkout, "DEPTHS", (1, 2, None))
    wanted = origin.push("First", a__txt="wanted\n")
    for number in range(4):
        origin.push(f"Later {number}", a__txt=f"{number}\n")
    fetched = sources(tmp_path, origin.forge.base_url)
    assert fetched.fetch(origin.repository, wanted, folder, stopped=processes.never).sha == wanted
    assert (folder / "a.txt").read_text() == "wanted\n"


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_a_missing_commit_has_a_reason_of_its_own(
    origin: Origin, folder: Path, tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(access.CONFIGURATION, "protocol.version", protocol)
    origin.push()
    with pytest.raises(DeploymentFailed) as failed:
        sources(tmp_path, origin.forge.base_url).fetch(
            origin.repository, "0" * 39 + "1", folder, stopped=processes.never
        )
    assert failed.value.reason == "commit-missing"


def test_refs_are_resolved_in_the_order_branch_tag_commit(origin: Origin, tmp_path: Path) -> None:
    head = origin.push("On main")
    origin.copy.git("tag", "-a", "v1", "-m", "one")
    origin.copy.git("push", "--quiet", origin.forge.push_url(origin.name), "v1")
    feature = origin.push("On a branch", ref="feature/x")
    looked = sources(tmp_path, origin.forge.base_url)
    expected = {
        "main": head,
        "refs/heads/main": head,
        "v1": head,
        "refs/tags/v1": head,
        "feature/x": feature,
        "x": None,
        "refs/heads/gone": None,
        feature: feature,
    }
    assert {ref: looked.resolve(origin.repository, ref) for ref in expected} == expected


def test_branches_are_listed_with_the_default_one(origin: Origin, tmp_path: Path) -> None:
    looked = sources(tmp_path, origin.forge.base_url)
    assert looked.branches(origin.repository) == Branches(())
    origin.push("On main")
    origin.push("On a branch", ref="feature/x")
    assert looked.branches(origin.repository) == Branches(("feature/x", "main"), "main")


@pytest.mark.parametrize(
    ("token", "says"),
    [
        (None, "127.0.0.1 lets nobody read the repository without a login"),
        ("wrong-token-entirely", "127.0.0.1 refuses the app's token: it has expired, was revoked, or may not read"),
    ],
)
def test_a_repository_that_may_not_be_read_is_refused_without_showing_the_token(
    origin: Origin, tmp_path: Path, token: str | None, says: str
) -> None:
    origin.push()
    with pytest.raises(DeploymentFailed) as refused:
        sources(tmp_path, origin.forge.base_url).resolve(Repository(origin.repository.url, token), "main")
    assert refused.value.reason == "clone-refused"
    assert "slipway apps set --credential-file FILE" in refused.value.remedy
    assert refused.value.message.startswith(says)
    assert "wrong-token" not in refused.value.message + refused.value.tail


def test_stopping_kills_git_at_once_and_the_token_is_in_no_command_line(folder: Path, tmp_path: Path) -> None:
    on_sigterm = threading.Event()
    outcome: list[BaseException] = []
    with listening() as silent:
        repository = Repository(f"{silent.url}/acme/shop.git", TOKEN)

        def fetch() -> None:
            try:
                sources(tmp_path, silent.url).fetch(repository, "1" * 40, folder, stopped=on_sigterm.is_set)
            except (Interrupted, DeploymentFailed) as error:
                outcome.append(error)

        thread = threading.Thread(target=fetch)
        thread.start()
        assert silent.connected.wait(20)
        running = git_processes(silent.url)
        lines = [line for _, line in command_lines()]
        on_sigterm.set()
        thread.join(20)
        assert running, "git runs while the server is silent"
        assert git_processes(silent.url) == []
    assert isinstance(outcome[0], Interrupted)
    assert b"Authorization: Basic" in silent.received[0]
    assert not [line for line in lines if TOKEN in line or "Authorization" in line]


def test_a_redirect_is_not_followed_and_no_credential_goes_along(tmp_path: Path) -> None:
    with listening() as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere.url}/x/info/refs\r\nContent-Length: 0\r\n\r\n"
        with listening(moved.encode()) as first, pytest.raises(DeploymentFailed) as refused:
            sources(tmp_path, first.url, elsewhere.url).resolve(Repository(f"{first.url}/x.git", TOKEN), "main")
        assert elsewhere.received == []
    assert "redirects to another address" in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/a/b.git",
        "http://localhost/a/b.git",
        "ext::sh -c touch% x",
        "file:///etc",
        "https://10.1.2.3/a/b",
    ],
)
def test_addresses_inside_and_other_transports_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DeploymentFailed) as refused:
        sources(tmp_path).resolve(Repository(url), "main")
    assert refused.value.reason == "clone-refused"


@pytest.mark.parametrize("listed", [(), ("//public",), ("//public", "//other.example")])
def test_a_name_that_leads_inside_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: tuple[str, ...]
) -> None:
    def leads_inside(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("169.254.169.254", 0))]

    monkeypatch.setattr("socket.getaddrinfo", leads_inside)
    with pytest.raises(DeploymentFailed, match="resolves to 169"):
        sources(tmp_path, *listed).resolve(Repository("https://innocent.example/a/b.git"), "main")


def test_a_tree_that_is_too_large_is_not_checked_out(origin: Origin, folder: Path, tmp_path: Path) -> None:
    commit = origin.push(big="x" * 300_000)
    small = sources(tmp_path, origin.forge.base_url, source_max_bytes=200_000)
    with pytest.raises(DeploymentFailed) as refused:
        small.fetch(origin.repository, commit, folder, stopped=processes.never)
    assert refused.value.reason == "source-too-large"
    assert list(folder.iterdir()) == []


def nested(origin: Origin, leaf: str, bare: Path) -> str:
    """A commit of ten to the ninth of `leaf` (mode, kind and id), in trees of ten; it takes a few kilobytes. It goes
    into the bare repository directly: the forge would list every file."""
    for _ in range(9):
        lines = "".join(f"{leaf}\t{number}\n" for number in range(10))
        argv = ["git", "-C", str(origin.copy.path), "mktree"]
        tree = subprocess.run(argv, input=lines, capture_output=True, text=True, check=True).stdout.strip()
        leaf = f"040000 tree {tree}"
    commit = origin.copy.git("commit-tree", "-m", "Many", tree)
    origin.copy.git("push", "--quiet", "--force", "--", str(bare), f"{commit}:refs/heads/main")
    return commit


@pytest.mark.parametrize("kind", ["files", "empty folders"])
def test_a_billion_of_names_is_refused_before_they_are_listed(
    origin: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    origin.push(a="a")
    monkeypatch.setattr(tree, "MAX_ENTRIES", 5_000)
    empty = origin.copy.git("hash-object", "-w", "-t", "tree", "/dev/null")
    leaf = f"100644 blob {origin.copy.git('rev-parse', 'HEAD:a')}" if kind == "files" else f"040000 tree {empty}"
    commit = nested(origin, leaf, tmp_path / "forge/acme/shop.git")
    began = time.monotonic()
    with pytest.raises(DeploymentFailed, match="more than 5000 files and folders") as refused:
        sources(tmp_path, origin.forge.base_url).fetch(origin.repository, commit, folder, stopped=processes.never)
    assert refused.value.reason == "source-too-large"
    assert time.monotonic() - began < 20, "not until git has listed them"
    assert git_processes("ls-tree") == []
    assert list(tmp_path.glob("source*")) == [folder]


def test_a_repository_runs_nothing_of_its_own(origin: Origin, folder: Path, tmp_path: Path) -> None:
    (origin.copy.path / "hooks").mkdir()
    (origin.copy.path / "hooks/post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (origin.copy.path / "hooks/post-checkout").chmod(0o755)
    bare = tmp_path / "forge/acme/shop.git"
    subprocess.run(["git", "-C", str(bare), "config", "receive.fsckObjects", "false"], check=True)
    origin.push(
        __gitattributes="* filter=evil\n",
        __gitmodules=f'[submodule "x"]\n\tpath = x\n\tupdate = !touch {tmp_path}/ran\n',
    )
    os.symlink("/etc/passwd", origin.copy.path / "link")
    commit = origin.push("With a link")
    sources(tmp_path, origin.forge.base_url).fetch(origin.repository, commit, folder, stopped=processes.never)
    assert (folder / "link").is_symlink()
    assert not (tmp_path / "ran").exists()


def test_a_deploy_key_is_readable_to_ssh_and_leaves_no_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, stdin=subprocess.DEVNULL)
    kept = sources(tmp_path, "ssh://git@localhost")
    with kept._access(Repository("ssh://git@localhost/a/b.git", key.read_text()), None) as opened:
        environment = opened._environment
        path = next(word for word in environment["GIT_SSH_COMMAND"].split() if "/proc/" in word).split("=")[1]
        # ssh refuses keys that others could read; ssh-keygen looks at the same rule
        shown = subprocess.run(["ssh-keygen", "-y", "-f", path], check=True, capture_output=True, text=True)
    assert shown.stdout.split()[1] in (tmp_path / "key.pub").read_text()
    assert not Path(path).exists()


def test_a_token_for_ssh_and_a_key_for_https_are_refused(tmp_path: Path) -> None:
    kept = sources(tmp_path, "ssh://git@forge.example")
    with pytest.raises(DeploymentFailed, match="mixed"):
        kept.resolve(Repository("git@forge.example:a/b.git", TOKEN), "main")


def test_nothing_survives_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from slipway.adapters.linux import processes\n"
        "processes.run(['sh', '-c', 'sleep 4711 & sleep 4711'], env={}, timeout_s=60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    eventually(lambda: len(git_processes("sleep 4711")) >= 2, what="the children run")
    parent.kill()
    parent.wait()
    eventually(lambda: git_processes("sleep 4711") == [], within_s=5, what="they are gone")


def test_a_run_that_takes_too_long_ends_with_its_children() -> None:
    with pytest.raises(processes.TimedOut):
        processes.run(["sh", "-c", "sleep 4712 & sleep 4712"], env={}, timeout_s=0.5)
    assert git_processes("sleep 4712") == []


def test_output_is_lines_as_a_terminal_leaves_them() -> None:
    lines: list[str] = []
    done = processes.run(["printf", "10%%\\r100%%\\n\\033[1mbold\\nlast"], env={}, timeout_s=10, output=lines.append)
    assert (done.code, lines) == (0, ["100%", "bold", "last"])
    assert MASK not in done.output


def command_lines() -> list[tuple[int, str]]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                found.append((int(pid), line))
        except OSError:
            continue
    return found


def git_processes(words: str) -> list[int]:
    """Processes with these words in their command line, this test's own aside."""
    return [
        pid for pid, line in command_lines() if words in line and pid not in (os.getpid(),) and "pytest" not in line
    ]


def test_files_that_differ_between_two_commits_are_named_whatever_they_are(origin: Origin, tmp_path: Path) -> None:
    where = origin.copy.path
    for name in ("api", "web", "docs", "kind"):
        (where / name).mkdir()
        (where / name / "a").write_text(name)
    odd = os.fsdecode(b"web/\xff\n\xc3\xb6")
    (where / odd).write_text("1")
    old = origin.push("Old", moved="moved\n", mode="mode", same="same")
    (where / "mode").chmod(0o755)
    (where / "moved").rename(where / "docs" / "b")
    (where / odd).write_text("2")
    (where / "web" / "a").unlink()
    (where / "kind" / "a").unlink()
    (where / "kind").rmdir()
    (where / "kind").write_text("a file now")
    origin.copy.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/module")
    new = origin.push("New")
    fetched = sources(tmp_path, origin.forge.base_url)
    expected = {"mode", "moved", "docs/b", odd, "web/a", "kind", "kind/a"}
    for one, other in ((old, new), (new, old)):
        changed = fetched.changed(origin.repository, one, other, tmp_path, stopped=processes.never)
        assert changed - {"vendor/module"} == expected
    assert not list(tmp_path.glob("*.git"))


def test_a_comparison_fetches_no_files(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = origin.push("Old", a__txt="a" * 1000, b__txt="b")
    new = origin.push("New", a__txt="c" * 1000)
    kept: list[str] = []
    compare = git_sources.changed_files

    def compared(opened: Access, *rest: Any) -> frozenset[str]:
        found = compare(opened, *rest)
        kept.append(opened.git(["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]))
        return found

    monkeypatch.setattr(git_sources, "changed_files", compared)
    fetched = sources(tmp_path, origin.forge.base_url)
    assert fetched.changed(origin.repository, old, new, tmp_path, stopped=processes.never) == {"a.txt"}
    assert sorted(re.findall("^(?:commit|tree|blob)$", kept[0], re.MULTILINE)) == ["commit", "commit", "tree", "tree"]


def test_a_server_that_neither_filters_nor_gives_commits_by_id_is_compared_with(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(access.CONFIGURATION, "protocol.version", "0")
    old = origin.push("Old", a__txt="a", b__txt="b")
    new = origin.push("New", a__txt="c")
    for name in ("allowFilter", "allowAnySHA1InWant", "allowReachableSHA1InWant"):
        [served] = (tmp_path / "forge").rglob("HEAD")
        subprocess.run(["git", "-C", str(served.parent), "config", f"uploadpack.{name}", "false"], check=True)
    fetched = sources(tmp_path, origin.forge.base_url)
    assert fetched.changed(origin.repository, old, new, tmp_path, stopped=processes.never) == {"a.txt"}


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_a_commit_that_is_gone_can_not_be_compared(
    origin: Origin, tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(access.CONFIGURATION, "protocol.version", protocol)
    here = origin.push("Here")
    fetched = sources(tmp_path, origin.forge.base_url)
    with pytest.raises(DeploymentFailed):
        fetched.changed(origin.repository, "1" * 40, here, tmp_path, stopped=processes.never)
    assert not list(tmp_path.glob("*.git"))


@pytest.mark.parametrize(("most_files", "most_bytes"), [(2, 1000), (10, 10)])
def test_more_than_is_worth_comparing_is_refused(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_files: int, most_bytes: int
) -> None:
    monkeypatch.setattr(difference, "MAX_FILES", most_files)
    monkeypatch.setattr(difference, "MAX_LISTING_BYTES", most_bytes)
    old = origin.push("Old")
    new = origin.push("New", one__txt="1", two__txt="2", three__txt="3")
    fetched = sources(tmp_path, origin.forge.base_url)
    with pytest.raises(DeploymentFailed) as failed:
        fetched.changed(origin.repository, old, new, tmp_path, stopped=processes.never)
    assert failed.value.reason == "source-too-large"
