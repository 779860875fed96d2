"""How many pages are rendered side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from router.console.render_limit import RenderLimit
from tests.fixtures.waiting import eventually

LONG_S = 600.0


class Pages:
    """Threads that render a page each, until they may end."""

    def __init__(self, limit: RenderLimit) -> None:
        self.limit = limit
        self.seen: list[str] = []
        self.may_end = [threading.Event() for _ in range(3)]

    def render(self, number: int, is_refresh: bool) -> None:
        with self.limit.place(is_refresh=is_refresh):
            self.seen.append(f"{number} begins")
            assert self.may_end[number].wait(LONG_S)
            self.seen.append(f"{number} ends")

    @contextmanager
    def opened(self, number: int, *, is_refresh: bool = False) -> Iterator[threading.Thread]:
        thread = threading.Thread(target=self.render, args=(number, is_refresh))
        thread.start()
        try:
            yield thread
        finally:
            self.may_end[number].set()
            thread.join()


def test_one_more_page_than_may_be_rendered_waits_until_another_is_ready() -> None:
    pages = Pages(RenderLimit(at_once=2, wait_s=LONG_S))
    with ExitStack() as stack:
        for number in (0, 1):
            stack.enter_context(pages.opened(number))
            eventually(lambda: f"{number} begins" in pages.seen, what="the page is rendered")  # noqa: B023  asked at once
        stack.enter_context(pages.opened(2))
        pages.may_end[1].set()
        eventually(lambda: "2 begins" in pages.seen, what="the third page is rendered")
        assert pages.seen == ["0 begins", "1 begins", "1 ends", "2 begins"]


def test_a_page_that_has_waited_long_enough_is_rendered_beside_the_others() -> None:
    pages = Pages(RenderLimit(at_once=1, wait_s=0.01))
    with pages.opened(0), pages.opened(1):
        eventually(lambda: sorted(pages.seen) == ["0 begins", "1 begins"], what="both are rendered")


def test_pages_that_refresh_themselves_leave_a_place_to_one_that_somebody_waits_for() -> None:
    pages = Pages(RenderLimit(at_once=2, wait_s=LONG_S))
    with ExitStack() as stack:
        stack.enter_context(pages.opened(0, is_refresh=True))
        eventually(lambda: "0 begins" in pages.seen, what="the first one is refreshed")
        stack.enter_context(pages.opened(1, is_refresh=True))
        stack.enter_context(pages.opened(2))
        eventually(lambda: "2 begins" in pages.seen, what="the page is rendered")
        assert "1 begins" not in pages.seen
        pages.may_end[0].set()
        eventually(lambda: "1 begins" in pages.seen, what="the second one is refreshed")


def test_whatever_is_raised_leaves_the_place_to_the_next() -> None:
    limit = RenderLimit(at_once=1, wait_s=LONG_S)
    for _ in range(3):
        with pytest.raises(KeyError), limit.place():
            raise KeyError
