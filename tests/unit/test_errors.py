"""The one tree of errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway import errors
from slipway.errors import DeploymentFailed, InvalidInput, NotFound, SlipwayError


def all_errors(above: type[SlipwayError] = SlipwayError) -> Iterator[type[SlipwayError]]:
    for each in above.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from all_errors(each)


def test_an_error_is_a_problem_document() -> None:
    assert NotFound("There is no app shop.", remedy="slipway apps").problem() == {
        "type": "urn:slipway:error:not-found",
        "title": "not found",
        "status": 404,
        "detail": "There is no app shop.",
        "code": "not-found",
        "remedy": "slipway apps",
    }


def test_a_problem_without_a_remedy_names_none() -> None:
    assert "remedy" not in InvalidInput("x").problem()


def test_details_are_part_of_the_problem() -> None:
    document = InvalidInput("x", field="port").problem()
    assert document["field"] == "port"
    assert json.loads(json.dumps(document)) == document


def test_the_message_is_the_exceptions_text() -> None:
    assert str(InvalidInput("The port is taken.")) == "The port is taken."


def test_a_failed_deployment_has_a_reason_and_a_tail() -> None:
    failed = DeploymentFailed("build-failed", "It broke.", tail="last line", remedy="fix it")
    assert (failed.reason, failed.tail, failed.remedy, failed.code) == (
        "build-failed",
        "last line",
        "fix it",
        "deployment-failed",
    )
    assert "tail" not in failed.problem()


def test_codes_are_stable_names_and_not_shared() -> None:
    codes = [each.code for each in all_errors()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("error", list(all_errors()), ids=lambda error: error.__name__)
def test_every_status_is_an_errors(error: type[SlipwayError]) -> None:
    assert 400 <= error.status <= 599


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+)\s+(\d{3})?", errors.__doc__ or ""))
    assert set(drawn) == {each.__name__ for each in all_errors()}
    assert {name: int(status) for name, status in drawn.items() if status} == {
        each.__name__: each.status for each in all_errors() if drawn[each.__name__]
    }


def test_no_bare_except_swallows_an_error() -> None:
    root = Path(__file__).parents[2]
    sources = [path for folder in ("slipway", "webhook", "builder", "router") for path in (root / folder).rglob("*.py")]
    found = [
        str(path) for path in sources if re.search(r"except\s*:|except (Base)?Exception:\s*\n\s*pass", path.read_text())
    ]
    assert found == []
