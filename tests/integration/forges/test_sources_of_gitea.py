"""Private repositories of a real Gitea, with private submodules and contents of its Git LFS server."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.linux import processes
from slipway.errors import DeploymentFailed
from slipway.ports.building import Repository
from tests.fixtures.gitea.server import PASSWORD, USER, Gitea
from tests.integration.forges.conftest import Hosted

CONTENT = b"\x00\x01 a picture" * 5000
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
JSON = "application/vnd.git-lfs+json"


def pointer(content: bytes) -> str:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


def upload(hosted: Hosted, content: bytes) -> None:
    """As `git lfs push` does. What another repository has already is not sent again."""
    thing = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    asked = {"operation": "upload", "transfers": ["basic"], "objects": [thing]}
    batch = f"{hosted.url}/info/lfs/objects/batch"
    with httpx.Client(auth=(USER, PASSWORD), trust_env=False, timeout=30) as client:
        answer = client.post(batch, json=asked, headers={"Accept": JSON, "Content-Type": JSON}).raise_for_status()
        action = answer.json()["objects"][0].get("actions", {}).get("upload")
        if action is None:
            return
        headers = {**action.get("header", {}), "Content-Type": "application/octet-stream"}
        client.put(action["href"], content=content, headers=headers).raise_for_status()


@pytest.fixture
def library(gitea: Gitea, tmp_path: Path) -> Hosted:
    return Hosted.make(gitea, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    return made


def fetch(hosted: Hosted, commit: str, folder: Path, token: str | None, *, is_for_strangers: bool = False) -> None:
    sources = GitSources(Limits((hosted.gitea.netloc,), 64 << 20), folder.parent, {})
    sources.fetch(Repository(hosted.url, token, is_for_strangers), commit, folder, stopped=processes.never)


@pytest.mark.parametrize(
    "form", ["{url}", "../{name}.git", "git@127.0.0.1:dev/{name}.git", "ssh://git@127.0.0.1:22/dev/{name}"]
)
def test_a_private_submodule_is_fetched_with_the_apps_token(
    hosted: Hosted, library: Hosted, folder: Path, form: str
) -> None:
    hosted.push("First", a__txt="a")
    commit = hosted.link(library.push("A library", lib__py="x = 1\n"), form.format(url=library.url, name=library.name))
    fetch(hosted, commit, folder, hosted.gitea.token)
    assert (folder / "lib/lib.py").read_text() == "x = 1\n"
    assert list(folder.parent.glob("source*")) == [folder]


def test_contents_of_lfs_are_fetched_also_those_of_a_submodule(hosted: Hosted, library: Hosted, folder: Path) -> None:
    for each, content in ((hosted, CONTENT), (library, CONTENT[::-1])):
        upload(each, content)
        last = each.push("A picture", __gitattributes=ATTRIBUTES, logo__bin=pointer(content))
    fetch(hosted, hosted.link(last, f"../{library.name}.git"), folder, hosted.gitea.token)
    assert (folder / "logo.bin").read_bytes() == CONTENT
    assert (folder / "lib/logo.bin").read_bytes() == CONTENT[::-1]


def test_a_login_and_password_serve_as_well(hosted: Hosted, folder: Path) -> None:
    upload(hosted, CONTENT)
    commit = hosted.push("A picture", __gitattributes=ATTRIBUTES, logo__bin=pointer(CONTENT))
    fetch(hosted, commit, folder, f"{USER}:{PASSWORD}")
    assert (folder / "logo.bin").read_bytes() == CONTENT


def test_a_content_that_was_never_pushed_is_named(hosted: Hosted, folder: Path) -> None:
    commit = hosted.push("A picture", __gitattributes=ATTRIBUTES, logo__bin=pointer(b"never pushed"))
    with pytest.raises(DeploymentFailed) as failed:
        fetch(hosted, commit, folder, hosted.gitea.token)
    assert failed.value.reason == "lfs-missing"


def test_a_public_app_without_a_token_gets_no_private_submodule(
    gitea: Gitea, library: Hosted, tmp_path: Path, folder: Path
) -> None:
    public = Hosted.make(gitea, tmp_path, private=False)
    public.push("First", a__txt="a")
    commit = public.link(library.push("A library", lib__py="x = 1\n"), library.url)
    with pytest.raises(DeploymentFailed, match="the submodule lib") as failed:
        fetch(public, commit, folder, None)
    assert failed.value.reason == "clone-refused"


def test_a_forks_commit_gets_no_private_submodule_with_the_apps_token(
    hosted: Hosted, library: Hosted, folder: Path
) -> None:
    upload(hosted, CONTENT)
    last = hosted.push("A picture", __gitattributes=ATTRIBUTES, logo__bin=pointer(CONTENT))
    fetch(hosted, last, folder, hosted.gitea.token, is_for_strangers=True)
    assert (folder / "logo.bin").read_bytes() == CONTENT
    commit = hosted.link(library.push("A library", lib__py="x = 1\n"), library.url)
    another = folder.parent / "another"
    another.mkdir()
    with pytest.raises(DeploymentFailed, match="the submodule lib") as failed:
        fetch(hosted, commit, another, hosted.gitea.token, is_for_strangers=True)
    assert failed.value.reason == "clone-refused"
