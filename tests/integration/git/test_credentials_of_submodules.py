"""What the app's token is sent for: what the app's own repository names, and nothing that is named from there on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.git.lfs_contents import LfsContents
from slipway.adapters.linux import processes
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.core.sources.lfs import Pointer
from slipway.errors import DeploymentFailed
from tests.integration.git.conftest import TOKEN, Origin, sources
from tests.integration.git.submodule_commits import LIBRARY, absolute, linked, published, repository

STRANGERS = "stranger/outer"
WITH_LFS: dict[str, Any] = {
    "__gitattributes": "*.bin filter=lfs\n",
    "logo__bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 1\n",
}


@pytest.mark.parametrize("url", ["../lib.git", "git@127.0.0.1:acme/lib.git"])
def test_a_submodules_own_submodules_are_not_fetched_with_the_apps_token(
    origin: Origin, folder: Path, tmp_path: Path, url: str
) -> None:
    """The outer one may be a stranger's, who names what the token may read."""
    library = published(origin, tmp_path / "lib", LIBRARY, lib__py="shared = True\n")
    outer = repository(origin, tmp_path / "outer", STRANGERS, private=False)
    outer.copy.commit("First", outer__py="outer = True\n")
    inner = linked(outer, library, url.replace("../", "../../acme/"))
    with pytest.raises(DeploymentFailed, match=r"^the submodule outer: the submodule lib: ") as failed:
        fetch(origin, linked(origin, inner, absolute(origin, STRANGERS), "outer"), folder)
    assert failed.value.reason == "clone-refused"
    assert "that the app's own repository names" in failed.value.remedy
    assert not (folder / "outer/lib/lib.py").exists()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """Which repository's contents of LFS are fetched, and with which credential for the forge."""
    kept: list[tuple[str, str | None]] = []

    def fetch_contents(
        self: LfsContents, of: RepositoryAddress, _configured: str, pointers: list[Pointer], into: Path
    ) -> None:
        kept.append((of.path, self.credential))
        for each in pointers:
            (into / each.oid).write_bytes(b"x")

    monkeypatch.setattr(LfsContents, "fetch", fetch_contents)
    return kept


def fetch(origin: Origin, commit: str, folder: Path) -> None:
    sources(folder.parent, origin.forge.base_url).fetch(origin.repository, commit, folder, stopped=processes.never)


def test_lfs_of_the_app_and_beside_its_submodules_is_asked_with_the_token(
    origin: Origin, folder: Path, tmp_path: Path, asked: list[tuple[str, str | None]]
) -> None:
    library = published(origin, tmp_path / "lib", LIBRARY, private=True, **WITH_LFS)
    own_server = f"[lfs]\n\turl = {absolute(origin, 'acme/contents')}/info/lfs\n"
    origin.copy.commit("Ours", __lfsconfig=own_server, **WITH_LFS)
    fetch(origin, linked(origin, library, "../lib.git"), folder)
    assert asked == [("/acme/shop.git", TOKEN), ("/acme/lib.git", TOKEN)]


def test_lfs_of_a_submodule_elsewhere_at_the_host_and_of_its_submodules_is_asked_without(
    origin: Origin, folder: Path, tmp_path: Path, asked: list[tuple[str, str | None]]
) -> None:
    inner = published(origin, tmp_path / "inner", "stranger/inner", private=False, **WITH_LFS)
    outer = repository(origin, tmp_path / "outer", STRANGERS, private=False)
    outer.copy.commit("Theirs", __lfsconfig=f"[lfs]\n\turl = {absolute(origin)}/info/lfs\n", **WITH_LFS)
    fetch(origin, linked(origin, linked(outer, inner, "../inner.git"), absolute(origin, STRANGERS), "outer"), folder)
    assert asked == [(f"/{STRANGERS}.git", None), ("/stranger/inner.git", None)]
