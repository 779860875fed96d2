"""Which image a generated Dockerfile starts from."""

from __future__ import annotations

import pytest

from slipway.core.build.templates.base_images import HostImages, WantedVersion, choose
from slipway.core.build.templates.of_python import versions
from slipway.errors import InvalidInput

DEFAULT = "python:3.11-slim"


def wanted(constraint: str, pulled: str = "3.12") -> WantedVersion:
    return WantedVersion(
        "Python", constraint, ".python-version", lambda version: versions.accepts(constraint, version), pulled
    )


def host(*here: str, pulled: tuple[str, ...] = ()) -> HostImages:
    def tags(name: str) -> list[str]:
        return [each.partition(":")[2] for each in here if each.partition(":")[0] == name]

    return HostImages(obtain=lambda reference: reference in {*here, *pulled}, tags=tags)


def test_the_hosts_own_image_is_taken_where_it_will_do() -> None:
    assert choose(DEFAULT, None, host()).reference == DEFAULT
    assert choose(DEFAULT, wanted(">=3.9"), host("python:3.12-slim")).reference == DEFAULT


def test_the_newest_that_is_here_goes_before_one_that_is_pulled() -> None:
    here = host("python:3.12-slim", "python:3.13-slim", "python:3.14", pulled=("python:3.12-slim",))
    assert choose(DEFAULT, wanted(">=3.12"), here).reference == "python:3.13-slim"


def test_one_that_is_not_here_is_pulled() -> None:
    chosen = choose(DEFAULT, wanted("3.12"), host(pulled=("python:3.12-slim",)))
    assert chosen.reference == "python:3.12-slim"
    assert chosen.notes == (".python-version asks for Python 3.12: python:3.12-slim is used",)


def test_one_that_is_not_to_be_had_is_refused_with_those_that_are_here() -> None:
    with pytest.raises(InvalidInput, match=r"asks for Python 3\.9, which is not on this host") as refused:
        choose(DEFAULT, wanted("3.9", "3.9"), host("python:3.12-slim"))
    assert "(3.11, 3.12)" in refused.value.remedy
    assert "docker pull python:3.9-slim" in refused.value.remedy


@pytest.mark.parametrize("default", ["python", "registry.example/team/python:latest"])
def test_an_image_without_a_version_in_its_name_is_used_where_no_other_is_to_be_had(default: str) -> None:
    chosen = choose(default, wanted("3.12"), host())
    assert chosen.reference == default
    assert "is not known" in chosen.notes[0]


@pytest.mark.parametrize(
    ("constraint", "accepted", "refused"),
    [
        ("3.11", "3.11 3.11.9 3", "3.12 2.7 3.1"),
        (">=3.8,<4", "3.8 3.11 3", "3.7 4.0"),
        (">=3.9, <3.12", "3.9 3.11", "3.12 3.8"),
        (">3.9", "3.10", "3.9"),
        ("<=3.10", "3.10 3.9", "3.11"),
        (">=3.11.4", "3.11 3.11.4 3.12", "3.11.3 3.10"),
        ("!=3.9.*,>=3.8", "3.8 3.10", "3.9"),
        ("==3.11.*", "3.11", "3.10"),
        ("~=3.10", "3.10 3.13", "3.9 4.0"),
        ("~=3.10.2", "3.10", "3.11 3.10.1"),
        ("^3.9", "3.9 3.14", "3.8 4.0"),
        ("~3.9", "3.9", "3.10"),
        ("^3.8 || ^2.7", "2.7 3.9", "2.6 4.0"),
        (">=3.8 <3.10", "3.9", "3.10"),
        ("*", "3.11 2.7", ""),
    ],
)
def test_a_constraint_accepts_versions(constraint: str, accepted: str, refused: str) -> None:
    assert [each for each in accepted.split() if not versions.accepts(constraint, each)] == []
    assert [each for each in refused.split() if versions.accepts(constraint, each)] == []
