"""What the import contracts in pyproject.toml can't say: no circle of files, no words of one runtime elsewhere, and
every folder is installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("slipway", "builder", "router", "webhook")

MOST_FILES = 15
MIGRATIONS = ROOT / "slipway/migrations/versions"
"""One file a change of the schema, in their order: no room to find one's way in."""

ROOMS = (
    *("builder", "router", "webhook"),
    *("slipway/cli", "slipway/core", "slipway/domain", "slipway/models", "slipway/ports"),
    *("slipway/adapters/agent", "slipway/adapters/git", "slipway/adapters/redis"),
)
"""Where a runtime that is not Docker must change nothing."""
WORDS = re.compile(r"docker|\bbridges?\b|bridge_|iptables|subnet", re.IGNORECASE)

EVERYWHERE = (
    re.compile(r"\.dockerignore|dockerfile|docker-(compose|bake)", re.IGNORECASE),  # files of repositories
    re.compile(
        r"docker\\?\.io|DOCKER_HUB|Docker(\s|')?[Hh]ub"
    ),  # the registry of images without a registry in their name
    re.compile(r"\(\?:docker\|container\)file"),  # both spellings of such a file
    re.compile(r"docker-php-ext-install"),  # a program in PHP's image
    re.compile(r"docker (buildx|images|pull)\b"),  # commands for the user to copy
    re.compile(
        r"docker/|docs\.docker\.com|As docker does|updates Docker|(of|from) Docker \d"
    ),  # images are built by BuildKit as an Engine brings it
)
"""Terms of the field with "docker" in them that assume nothing about what runs the replicas."""
MAKES_THE_IMAGE_BUILDER = re.compile(r"slipway\.adapters\.docker|docker_(host|cli)|docker client")
"""Images are built by BuildKit, whose client and socket are Docker's."""
IN_FILES = {
    "builder/dependencies.py": MAKES_THE_IMAGE_BUILDER,
    "builder/agent/__main__.py": MAKES_THE_IMAGE_BUILDER,
    "slipway/models/tenancy.py": re.compile(r"\bsubnets?\b"),  # a column that Docker's adapter alone reads and writes
}


def lines_with_words(room: str) -> Iterator[str]:
    for path in sorted((ROOT / room).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        allowed = [*EVERYWHERE, *([IN_FILES[name]] if name in IN_FILES else [])]
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            left = line
            for each in allowed:
                left = each.sub("", left)
            if WORDS.search(left):
                yield f"{name}:{number}: {line.strip()}"


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_outside_its_adapter_names_what_only_docker_has(room: str) -> None:
    assert list(lines_with_words(room)) == []


def test_every_exception_is_still_needed() -> None:
    for name, allowed in IN_FILES.items():
        assert allowed.search((ROOT / name).read_text()), f"{name} needs no exception any more"


def test_no_folder_holds_more_files_than_one_takes_in_at_a_glance() -> None:
    folders = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    counts = {str(each.relative_to(ROOT)): len(list(each.glob("*.py"))) for each in folders if each != MIGRATIONS}
    assert {name: count for name, count in counts.items() if count > MOST_FILES} == {}


def test_every_package_is_installed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")}
    assert sorted(listed) == sorted(".".join(each.relative_to(ROOT).parts) for each in folders)


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert circles(imports) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """The modules that reach each other, by group: what is left when all without importers, or without imports, go."""
    left = {name: set(found) & imports.keys() for name, found in imports.items()}
    while ends := {
        name for name, found in left.items() if not found or not any(name in each for each in left.values())
    }:
        left = {name: found - ends for name, found in left.items() if name not in ends}
    groups = {
        frozenset(other for other in left if _reaches(left, name, other) and _reaches(left, other, name))
        for name in left
    }
    return sorted(sorted(group) for group in groups if group)


def _reaches(imports: dict[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    waiting = list(imports[start])
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            waiting += imports[name]
    return False
