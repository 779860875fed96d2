"""The patterns of the `paths` setting."""

from __future__ import annotations

import random
import time

import pytest

from slipway.core.push.path_patterns import any_matches, matches


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("README.md", "README.md"),
        ("services/api/**", "services/api/app.py"),
        ("services/api/**", "services/api/a/b/c.py"),
        ("services/api", "services/api/a/b/c.py"),
        ("services/api/", "services/api/app.py"),
        ("./services/api", "services/api/app.py"),
        ("/services/api", "services/api/app.py"),
        ("**", "anything/at/all"),
        ("*", "Makefile"),
        ("*.py", "app.py"),
        ("**/*.py", "app.py"),
        ("**/*.py", "a/b/app.py"),
        ("**.py", "a/b/app.py"),
        ("docs/*", "docs/index.md"),
        ("a/**/z", "a/z"),
        ("a/**/z", "a/b/c/z"),
        ("a/**/b/**/c", "a/x/b/y/z/c"),
        ("**/test_*.py", "x/test_a.py"),
        ("lib**", "library/x/y"),
        ("file?.txt", "file1.txt"),
        ("f*o*.t?t", "foo.txt"),
        ("pages/[slug].tsx", "pages/[slug].tsx"),
        ("ä/*.txt", "ä/ö.txt"),
        (".", "x/y"),
    ],
)
def test_a_pattern_covers(pattern: str, path: str) -> None:
    assert matches(path, [pattern])


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("README.md", "docs/README.md"),
        ("services/api/**", "services/apiary/app.py"),
        ("services/api", "services/api2/app.py"),
        ("services/api/**", "other/services/api/app.py"),
        ("*", "docs/index.md"),
        ("*.py", "a/app.py"),
        ("docs/*", "docs/a/index.md"),
        ("**/*.py", "app.pyc"),
        ("a/**/z", "a/b/zz"),
        ("file?.txt", "file.txt"),
        ("file?.txt", "file/.txt"),
        ("*.PY", "app.py"),
        ("pages/[slug].tsx", "pages/s.tsx"),
        ("(a|b)+", "a"),
    ],
)
def test_a_pattern_does_not_cover(pattern: str, path: str) -> None:
    assert not matches(path, [pattern])


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = ["services/**", "!services/**/*.md", "services/api/API.md"]
    assert matches("services/app.py", patterns)
    assert not matches("services/api/README.md", patterns)
    assert matches("services/api/API.md", patterns)


def test_with_exclusions_only_everything_else_matches() -> None:
    assert matches("app.py", ["!docs/**"])
    assert not matches("docs/index.md", ["!docs/**"])


def test_no_pattern_matches_nothing() -> None:
    assert not any_matches(["a"], [])


def test_one_matching_file_is_enough() -> None:
    assert any_matches(["docs/a.md", "src/app.py"], ["src/**"])
    assert not any_matches(["docs/a.md"], ["src/**"])


@pytest.mark.parametrize("pattern", ["**/" * 80 + "a", "*a" * 100 + "b", "**/*" * 60, "?*" * 120])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    began = time.process_time()
    matches("/".join(["a" * 50] * 20), [pattern[:250]])
    assert time.process_time() - began < 2


def test_random_patterns_and_paths_never_raise() -> None:
    chance = random.Random(20)
    for _ in range(5000):
        pattern = "".join(chance.choices("ab/*?!.[]", k=chance.randint(0, 12)))
        path = "".join(chance.choices("ab/.", k=chance.randint(0, 12)))
        assert matches(path, [pattern]) in (True, False)
