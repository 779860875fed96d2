"""The app that is meant, from the most explicit to the least."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slipway.cli.checkout import which_app as module
from slipway.cli.checkout.which_app import which_app
from slipway.core.app_settings import model
from slipway.errors import InvalidInput
from tests.unit.cli.api_stand_in import answering, client

APPS = {
    "apps": [
        {"name": "shop", "repository": "https://github.example/acme/shop.git", "branch": "main"},
        {"name": "api", "repository": "https://github.example/acme/mono.git", "branch": "main"},
        {"name": "web", "repository": "git@github.example:acme/mono.git", "branch": "main"},
        {"name": "web-next", "repository": "https://github.example/acme/mono", "branch": "feature/next"},
        {"name": "stock", "repository": "", "branch": "main"},
    ]
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository's folder, in which the command is called."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLIPWAY_APP", raising=False)
    return tmp_path


def remote(folder: Path, url: str) -> None:
    subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", url], check=True)


def check_out(folder: Path, branch: str) -> None:
    subprocess.run(["git", "-C", str(folder), "symbolic-ref", "HEAD", f"refs/heads/{branch}"], check=True)


def meant(given: str | None = None) -> str:
    return which_app(client(answering([APPS])), given)


def test_the_explicit_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "slipway.toml").write_text('app = "from-file"')
    assert meant() == "from-file"
    monkeypatch.setenv("SLIPWAY_APP", "from-environment")
    assert meant() == "from-environment"
    assert meant("given") == "given"


def test_the_file_is_found_from_below_up_to_the_repository_and_not_above(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "slipway.toml").write_text('app = "shop"')
    inner = folder / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert meant() == "shop"
    subprocess.run(["git", "init", "--quiet", str(inner)], check=True)
    with pytest.raises(InvalidInput, match="Which app"):
        meant()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.example/Acme/shop",
        "git@github.example:acme/shop.git",
        "http://github.example:3000/acme/shop.git",
    ],
)
def test_the_git_remote_tells_however_it_is_written(folder: Path, url: str) -> None:
    remote(folder, url)
    (folder / "slipway.toml").write_text("port = 8080")
    assert meant() == "shop"


@pytest.mark.parametrize(("branch", "apps"), [("main", "api, web"), ("other", "api, web, web-next")])
def test_a_repository_with_several_apps_asks_which(folder: Path, branch: str, apps: str) -> None:
    remote(folder, "https://github.example/acme/mono.git")
    check_out(folder, branch)
    with pytest.raises(InvalidInput, match=f"several apps: {apps}$") as raised:
        meant()
    assert "-a NAME" in raised.value.remedy


def test_of_several_apps_the_one_of_the_branch_is_meant(folder: Path) -> None:
    remote(folder, "https://github.example/acme/mono.git")
    check_out(folder, "feature/next")
    assert meant() == "web-next"


def test_a_repository_without_app_says_how_to_make_one(folder: Path) -> None:
    remote(folder, "https://github.example/acme/new.git")
    with pytest.raises(InvalidInput, match="No app is made from github") as raised:
        meant()
    assert "slipway apps create" in raised.value.remedy


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "slipway.toml").write_text("app = ")
    with pytest.raises(InvalidInput, match=r"slipway\.toml"):
        meant()


def test_the_files_name_is_the_models() -> None:
    assert model.FILE_NAME == module.FILE_NAME
