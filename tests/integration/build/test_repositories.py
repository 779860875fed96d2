"""Small repositories of the tables, built and run as a replica runs: as user 10001, on a read-only root."""

from __future__ import annotations

import os

import pytest

from tests.fixtures.engine import have_base_images
from tests.fixtures.repositories import SmallRepository, rows
from tests.fixtures.waiting import eventually
from tests.integration.build.conftest import Bench
from tests.integration.build.test_builds import answer, served

pytestmark = pytest.mark.engine
SLOW = os.environ.get("REPOSITORIES") == "all"
_MORE = {"generators": ("node",)}
"""Rows of a table that need base images of another language."""


BUILT = [row for row in rows() if row.answers and (SLOW or not row.is_slow)]


@pytest.mark.parametrize("row", BUILT, ids=str)
def test_a_small_repository_runs_and_serves_none_of_its_sources(bench: Bench, row: SmallRepository) -> None:
    have_base_images(bench.settings, _MORE.get(row.language, (row.language,)))
    built = bench.build_repository(row, timeout_s=300)
    assert built.user == "10001:10001"
    with served(bench) as url:
        assert eventually(lambda: row.answers in answer(f"{url}/"), within_s=30)
        for path, content in row.paths.items():
            assert content in answer(url + path)
        sources = [name for name in row.files if f"/{name}" not in row.paths]
        assert [name for name in sources if _is_served(url, name, row)] == []


def _is_served(url: str, name: str, row: SmallRepository) -> bool:
    """Does the app answer with the file's own text? An app may answer every path with its page."""
    return bool(row.files[name].strip()) and answer(f"{url}/{name}").strip() == row.files[name].strip()
