"""TOML of repositories."""

from __future__ import annotations

import pytest

from slipway.core.text import toml


def test_what_people_write_is_read() -> None:
    versions = ", ".join(f'"package-{number}==1.2.3"' for number in range(200))
    text = f'[tool.a."b.c"]\nd.e = 1\nlist = [{versions}]\ndots = "{"." * 300}"\n'
    read = toml.values(text)["tool"]["a"]["b.c"]
    assert (read["d"], len(read["list"]), len(read["dots"])) == ({"e": 1}, 200, 300)


@pytest.mark.parametrize("part", ["a.", '"a" . ', "'.'.", "[a."])
def test_a_key_of_more_parts_than_people_write_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        toml.values("\n" + part + "a." * 50 + "a = 1")


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        toml.values("a = " + "[" * 5000)
