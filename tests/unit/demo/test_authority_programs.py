"""pebble is built by a Go that is recent enough, or the demo says which one it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.demo.authority import programs
from slipway.errors import HostUnready
from slipway.host.install import go


@pytest.mark.parametrize("said", ["", "go version go1.19.8 linux/amd64", "go version go1.24.11 linux/amd64"])
def test_without_a_recent_go_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(programs, "_VENV", tmp_path)
    monkeypatch.setattr(go, "_OFTEN_NOT_ON_PATH", ())
    monkeypatch.setenv("PATH", str(tmp_path / "old"))
    if said:
        _program(tmp_path / "old" / "go", f"echo {said}")

    with pytest.raises(HostUnready, match=r"Go 1\.25 or newer, which is not here") as refused:
        programs.program(programs.PEBBLE)

    assert "make install-go" in refused.value.remedy


def test_it_is_built_once_by_the_first_go_that_is_recent_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_VENV", tmp_path)
    monkeypatch.setattr(go, "_OFTEN_NOT_ON_PATH", ())
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:/usr/bin:/bin")
    _program(tmp_path / "old" / "go", "echo go version go1.19.8 linux/amd64")
    built = 'touch "$GOBIN/pebble" "$GOBIN/pebble-challtestsrv"'
    _program(tmp_path / "bin" / "go", f"[ $1 = version ] && echo go version go1.25.0 linux/amd64 || {built}")
    said: list[str] = []

    found = [programs.program(name, said.append) for name in (programs.PEBBLE, programs.DNS_SERVER)]

    assert [Path(each).name for each in found] == ["pebble", "pebble-challtestsrv"]
    assert all(Path(each).is_file() for each in found)
    assert len(said) == 1


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
