"""The console by the keyboard alone."""

from __future__ import annotations

import pytest

from slipway.models import App, Scale
from tests.fixtures.api import Api, Caller
from tests.integration.browser.conftest import Open

LEADS = {"a": "/", "c": "/containers", "d": "/dashboard", "t": "/tenant"}


@pytest.fixture
def thousand(api: Api, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        made = [App(tenant_id=tenant, name=f"app-{number:03}", repository="r") for number in range(1000)]
        session.add_all(made)
        session.flush()
        session.add_all(Scale(tenant_id=tenant, app_id=app.id) for app in made)


def test_g_and_a_letter_lead_to_each_page(open_page: Open, shop: int) -> None:
    page = open_page("/new")
    for key, path in LEADS.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(lambda url, path=path: url.endswith(path))


def test_the_keys_are_listed_and_can_be_switched_off(open_page: Open, shop: int) -> None:
    page = open_page("/new")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_text("Dashboard").wait_for()
    dialog.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.keyboard.press("?")
    page.keyboard.press("/")
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search all").wait_for()


def test_a_slash_searches_a_thousand_apps_and_leads_to_one(open_page: Open, thousand: None) -> None:
    page = open_page("/containers")
    page.keyboard.press("/")
    page.keyboard.type("app-07")
    options = page.locator("#palette_found").get_by_role("option")
    page.get_by_role("option", name="app-070").wait_for()
    page.get_by_text("There are more").wait_for()
    assert options.count() == 8
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.locator("[aria-selected=true]").inner_text().startswith("app-071")
    assert page.locator("#palette_words").get_attribute("aria-activedescendant") == "palette_1"
    page.keyboard.press("Enter")
    page.wait_for_url("**/apps/app-071")


def test_an_act_of_the_present_app_is_found_and_done(open_page: Open, owner: Caller, shop: int) -> None:
    page = open_page("/apps/shop/variables")
    page.keyboard.press("/")
    page.keyboard.type("deploy shop")
    page.get_by_role("option", name="Deploy shop").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/apps/shop#deploy")
    page.wait_for_function("document.activeElement.id === 'deploy'")
    page.keyboard.press("Enter")
    page.locator("#progress").get_by_text("Queued").wait_for()


def test_escape_closes_the_search_and_gives_the_focus_back(open_page: Open, shop: int) -> None:
    page = open_page("/apps/shop")
    page.get_by_role("link", name="Logs").focus()
    page.keyboard.press("/")
    page.get_by_role("option", name="Deploy shop").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("combobox").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "Logs"


def test_a_key_that_is_typed_into_a_field_is_a_letter(open_page: Open, shop: int) -> None:
    page = open_page("/apps/shop/variables")
    page.fill("#name", "")
    page.locator("#name").focus()
    page.keyboard.type("g/?fa")
    assert page.input_value("#name") == "g/?fa"
    assert page.locator("dialog[open]").count() == 0


def test_without_javascript_the_search_is_a_page(open_page: Open, shop: int) -> None:
    page = open_page("/apps/shop", java_script_enabled=False)
    page.get_by_role("link", name="Search").click()
    page.get_by_role("link", name="Deploy shop").wait_for()
    page.fill("#q", "sho")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="shop App", exact=True).click()
    page.wait_for_url("**/apps/shop")
