"""Every page in both themes and two sizes: what axe finds, what the keyboard reaches, what does not fit a phone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from router import authentication
from tests.fixtures.api import Api, Caller
from tests.integration.browser.conftest import Open
from tests.integration.browser.every_page import paths

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOOKS = (("light", 1280, 900), ("dark", 390, 844))
"""Colours do not depend on the size: each theme and each size once."""
AXE = "axe.run({resultTypes: ['violations']})"
REFUSED = "the server responded with a status of"
TABS_MOST = 400


@pytest.fixture
def every_path(api: Api, owner: Caller, shop: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As an owner who runs the platform sees them."""
    authenticate = authentication.authenticate

    def as_admin(*given: Any) -> Any:
        return replace(authenticate(*given), platform_admin=True)

    monkeypatch.setattr(authentication, "authenticate", as_admin)
    found = paths(api, owner, shop)
    assert {"/", "/platform", "/tenant/audit", "/auth/token"} <= set(found)
    return found


def with_axe(page: Page) -> Page:
    from axe_playwright_python.base import AXE_FILE_PATH

    page.context.add_init_script(path=AXE_FILE_PATH)
    page.reload()
    return page


def faults(page: Page) -> list[tuple[object, ...]]:
    """What axe finds in each theme and size, and what is wider than the window."""
    found: list[tuple[object, ...]] = []
    for theme, width, height in LOOKS:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        where = (page.url, theme, width)
        for each in page.evaluate(AXE)["violations"]:
            found.append((*where, each["id"], [node["html"][:160] for node in each["nodes"]][:3]))
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append((*where, "wider than the window"))
    return found


def test_axe_finds_nothing_on_any_page(open_page: Open, every_path: list[str]) -> None:
    page = with_axe(open_page("/", expects=REFUSED))
    found = []
    for path in every_path:
        page.goto(path)
        found += faults(page)
    assert found == []


@pytest.mark.parametrize("key", ["/", "?"])
def test_axe_finds_nothing_in_what_a_key_opens(open_page: Open, shop: int, key: str) -> None:
    page = with_axe(open_page("/apps/shop"))
    page.keyboard.press(key)
    page.locator("dialog[open]").wait_for()
    if key == "/":
        page.get_by_role("option", name="Deploy shop").wait_for()
    assert faults(page) == []


STOPS = """() => {
  const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const seen = [...document.querySelectorAll(all)].filter((each) => each.checkVisibility() && !each.disabled);
  window.stops = seen;
  return seen.map((each) => each.outerHTML.slice(0, 120));
}"""
FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  return [window.stops.indexOf(at), seen];
}"""


def test_the_tab_key_reaches_everything_and_one_sees_where_it_is(open_page: Open, every_path: list[str]) -> None:
    page = open_page("/", expects=REFUSED)
    missed: list[tuple[str, str]] = []
    for path in every_path:
        page.goto(path)
        stops = page.evaluate(STOPS)
        reached: set[int] = set()
        for _ in range(min(len(stops) + 1, TABS_MOST)):
            page.keyboard.press("Tab")
            stop, is_seen = page.evaluate(FOCUS)
            if stop >= 0 and not is_seen:
                missed.append((path, f"not seen: {stops[stop]}"))
            reached.add(stop)
        missed += [(path, text) for at, text in enumerate(stops) if at not in reached]
    assert missed == []
