from __future__ import annotations

import pytest

from builder.agent.rollout.releases.specs import expand

VARIABLES = {"PORT": "8000", "NAME": "a b"}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("serve", "--bind=0.0.0.0:$PORT"), ("serve", "--bind=0.0.0.0:8000")),
        (("serve", "${NAME}", "$OTHER", "$$"), ("serve", "a b", "$OTHER", "$$")),
        (("sh", "-c", "exec serve $PORT"), ("sh", "-c", "exec serve $PORT")),
    ],
    ids=["a variable inside a word", "one word stays one word", "a shell expands by itself"],
)
def test_variables_in_a_command(argv: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert expand(argv, VARIABLES) == expected
