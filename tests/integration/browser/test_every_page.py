"""Every page in both themes and two sizes: what axe finds, what the keyboard reaches, what does not fit a phone."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, cast

import pytest
from flask import Response

from router.identity import token_sessions
from router.login import pages
from slipway.core.access.tokens import hashed
from tests.fixtures.api import Api, Caller
from tests.integration.browser.conftest import Open
from tests.integration.browser.every_page import BESIDE, NEVER_PAGES, failed_deployment, rules, shown
from tests.integration.browser.signed_on import REFUSED, SignedOn, Visit, signed_on, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["signed_on", "visit"]
SIZES = ((1280, 900), (390, 844))
LOOKS = tuple(product(SIZES, ("light", "dark")))
AXE = "axe.run({resultTypes: ['violations']})"
OPENED = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
"""What a summary hides is looked at as well."""
REFRESH = re.compile('<meta http-equiv="refresh"[^>]*>')
TABS_MOST = 400
SIGN_ON_OFF = ("/auth/token", "/auth/console/<secret>", "/tenant/people", "/apps/<app>/try")
"""What looks otherwise where sign-on is off."""
OF_OTHERS = {
    "vic": ("/", "/apps/shop", "/platform", "/tenant/people", "/new", "/auth/signed-out"),
    "eve": ("/",),
    "both": ("/",),
}
"""What a viewer, somebody without a tenant, and somebody who has to choose one see otherwise."""
SHOW_ONCE = {
    "/tenant/people": {"#email": "new@example.org"},
    "/tenant/tokens": {"#name": "ci"},
    "/tenant/hooks": {"#repository": "https://github.example/acme/new.git"},
    "/apps/shop/try": {"#path": "/"},
    "/apps/shop/variables": {},
    "/apps/shop/domains": {},
    "/new": {"#name": "new", "#repository": "https://github.example/acme/new.git"},
}
"""What the form of a page is filled with whose answer is another page."""
SHOWING_FORMS = (
    "form[method=post]:not([hx-post]):not([action='/auth/logout']):not([action='/tenant/choice']):not([action^='http'])"
)
"""Those whose answer is a page of ours: not GitHub's, which registers the App."""


def paths_of_ada(signed_on: SignedOn, page: Page) -> list[str]:
    failed = failed_deployment(signed_on.api, cast("Caller", signed_on.values["owner"]))
    return [*shown(page, signed_on.api, signed_on.values).values(), *BESIDE, failed]


def with_axe(page: Page) -> Page:
    from axe_playwright_python.base import AXE_FILE_PATH

    page.context.add_init_script(path=AXE_FILE_PATH)
    page.reload()
    return page


def faults(page: Page) -> list[tuple[object, ...]]:
    """What axe finds in each theme and size, and what is wider than the window."""
    found: list[tuple[object, ...]] = []
    page.evaluate(OPENED)
    for (width, height), theme in LOOKS:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        where = (page.url, theme, width)
        for each in page.evaluate(AXE)["violations"]:
            found.append((*where, each["id"], [node["html"][:160] for node in each["nodes"]][:3]))
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append((*where, "wider than the window"))
    return found


def test_no_page_is_forgotten(signed_on: SignedOn, visit: Visit) -> None:
    """Each is shown to somebody below, where sign-on is on; or is one of those that need it to be off."""
    found = {rule for login in ("ada", "") for rule in shown(visit(login), signed_on.api, signed_on.values)}
    every = {rule.rule for rule in rules(signed_on.api)}
    assert every - found == NEVER_PAGES
    assert {"/", "/platform", "/tenant/audit", "/tenant/people", "/auth/invitations/<secret>"} <= found
    assert every >= set(SIGN_ON_OFF)


def test_axe_finds_nothing_on_any_page(signed_on: SignedOn, visit: Visit) -> None:
    page = with_axe(visit("ada"))
    found: list[tuple[object, ...]] = []
    showing = set()
    for path in paths_of_ada(signed_on, page):
        page.goto(path)
        found += faults(page)
        if page.locator(SHOWING_FORMS).count():
            showing.add(path.partition("?")[0])
    assert found == []
    invitation = f"/auth/invitations/{signed_on.values['secret']}"
    assert showing == {*SHOW_ONCE, invitation}


@pytest.mark.parametrize("path", SHOW_ONCE)
def test_axe_finds_nothing_on_what_is_shown_once(signed_on: SignedOn, visit: Visit, path: str) -> None:
    page = with_axe(visit("ada"))
    page.goto(path)
    forms = page.locator(SHOWING_FORMS)
    for field, text in SHOW_ONCE[path].items():
        page.fill(field, text)
        forms = forms.filter(has=page.locator(field))
    with page.expect_event("load"):
        forms.last.evaluate("(form) => form.requestSubmit()")
    assert faults(page) == []


@pytest.mark.parametrize("login", OF_OTHERS)
def test_axe_finds_nothing_on_what_others_see_otherwise(signed_on: SignedOn, visit: Visit, login: str) -> None:
    page = with_axe(visit(login))
    found = []
    for path in OF_OTHERS[login]:
        page.goto(path)
        found += faults(page)
    assert found == []


def test_axe_finds_nothing_on_the_way_in_and_out(signed_on: SignedOn, visit: Visit) -> None:
    page = with_axe(visit(""))
    found = []
    for path in shown(page, signed_on.api, signed_on.values).values():
        page.goto(path)
        found += faults(page)
    page.goto(f"/auth/invitations/{signed_on.values['secret']}")
    page.get_by_role("button", name="Make an account").click()
    page.get_by_role("heading", name="Your account is made").wait_for()
    assert found + faults(page) == []


@pytest.mark.parametrize("leaving", [pages.signing_out("/"), pages.half_signed_out()], ids=["whole", "half"])
def test_axe_finds_nothing_where_somebody_signs_out(visit: Visit, leaving: Response) -> None:
    """These pages are there for a moment, or when the identity provider does not answer."""
    page = with_axe(visit(""))
    page.set_content(REFRESH.sub("", leaving.get_data(as_text=True)))
    assert faults(page) == []


def test_axe_finds_nothing_where_an_invitation_was_accepted(signed_on: SignedOn, visit: Visit) -> None:
    page = with_axe(visit("eve"))
    page.goto(f"/auth/invitations/{signed_on.values['secret']}")
    page.get_by_role("button", name="Accept as eve").click()
    page.get_by_role("heading", name="You are in acme").wait_for()
    assert faults(page) == []


def test_axe_finds_nothing_where_sign_on_is_off(open_page: Open, api: Api, owner: Caller, shop: int) -> None:
    page = with_axe(open_page("/", expects=REFUSED))
    secret = token_sessions.of(api.services.settings, api.services.redis).issue_link(hashed(owner.token))
    paths = shown(page, api, {"app": "shop", "deployment": shop, "hook": "none", "secret": secret, "login_id": "none"})
    found = []
    for rule in SIGN_ON_OFF:
        page.goto(paths[rule])
        found += faults(page)
    assert found == []


@pytest.mark.parametrize("key", ["/", "?"])
def test_axe_finds_nothing_in_what_a_key_opens(visit: Visit, key: str) -> None:
    page = with_axe(visit("ada"))
    page.goto("/apps/shop")
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


def test_the_tab_key_reaches_everything_and_one_sees_where_it_is(signed_on: SignedOn, visit: Visit) -> None:
    page = visit("ada")
    missed: list[tuple[str, str]] = []
    for path in paths_of_ada(signed_on, page):
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
