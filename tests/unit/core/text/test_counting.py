from __future__ import annotations

import pytest

from slipway.core.text.counting import ready_of


@pytest.mark.parametrize(
    ("ready", "wanted", "said"),
    [
        (1, 2, "1 of 2 ready"),
        (2, 2, "2 of 2 ready"),
        (0, 0, "0 of 0 ready"),
        (2, 0, "2 ready, 0 wanted"),
        (5, 2, "5 ready, 2 wanted"),
    ],
)
def test_more_than_are_wanted_are_not_a_part_of_them(ready: int, wanted: int, said: str) -> None:
    assert ready_of(ready, wanted) == said
