"""One person's way through the console, on a real platform: from the sign-in to a live app, into a failure and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fixtures.load.crowds import load
from tests.fixtures.stack import PROBE, Checkout, Stack
from tests.fixtures.waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page

APP = "shop"
REPOSITORY = f"acme/{APP}"
STEP_MS = 120_000
"""A build and a rollout on a busy host."""


COUNTED = """() => [...document.querySelectorAll("#replicas_rows td:nth-child(5)")]
  .some((each) => parseFloat(each.innerText) > 0)"""


@dataclass
class Walk:
    """`picture` is called with a name where there is something to see."""

    stack: Stack
    page: Page
    picture: Callable[[str], None] = lambda _name: None
    checkout: Checkout = field(init=False)

    def run(self) -> None:
        self.page.set_default_timeout(STEP_MS)
        self.sign_in()
        self.create_the_app()
        self.push_and_watch_it_go_live("1")
        with load(self.stack.port, f"{APP}.localhost", getters=4, posters=1, streamers=0, pause_s=0.05):
            self.see_the_load()
            self.push_and_watch_it_go_live("2")
            self.break_it_and_see_why()
            self.roll_back()
            self.export()
        self.sign_out()

    def sign_in(self) -> None:
        self.page.goto("/")
        self.page.get_by_role("link", name="Sign in").click()
        self.page.fill("#token", self.stack.token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    def create_the_app(self) -> None:
        """By the form; then the hook is given to the forge, as the page says it."""
        forge = self.stack.forge
        forge.create_repository(REPOSITORY)
        self.page.goto("/new")
        self.page.fill("#name", APP)
        self.page.fill("#repository", forge.clone_url(REPOSITORY))
        self.page.locator("form", has=self.page.locator("#repository")).get_by_role("button", name="Create").click()
        self.page.get_by_text("Waiting for the first delivery").wait_for()
        self.picture("first-push")
        facts = self.page.locator("dl.facts code")
        forge.add_hook(REPOSITORY, facts.nth(0).inner_text(), facts.nth(2).inner_text(), "json")
        self.checkout = self._checkout()

    def push_and_watch_it_go_live(self, version: str) -> None:
        """On a page that is not loaded again."""
        if version != "1":
            self.page.goto(f"/apps/{APP}")
        self.page.evaluate("window.stays = true")
        self.checkout.commit(f"Version {version}", VERSION=f"{version}\n")
        self.checkout.push()
        if version == "1":
            self.page.get_by_text("A delivery has arrived").wait_for()
        else:
            self.page.locator("#app_deployments").get_by_text(f"Version {version}").wait_for()
        assert self.page.evaluate("window.stays") is True
        self.page.get_by_role("link", name="deployment" if version == "1" else f"Version {version}").click()
        self.page.evaluate("window.stays = true")
        self.page.locator("#progress .head").get_by_text("Live").wait_for()
        assert self.page.evaluate("window.stays") is True
        assert self.stack.get(APP).text == version

    def see_the_load(self) -> None:
        """In the table of replicas, and in the charts once the edge has reported."""
        self.page.goto(f"/apps/{APP}")
        self.page.evaluate("window.stays = true")
        self.page.wait_for_function(COUNTED)
        assert self.page.evaluate("window.stays") is True
        self.page.get_by_role("link", name="Charts of its load").click()
        self.page.wait_for_function("() => parseInt(document.querySelector('#dashboard_total dd')?.innerText) > 0")
        self.page.locator("[data-chart=data_requests] canvas").wait_for()

    def break_it_and_see_why(self) -> None:
        """The old release serves on, and the page says so."""
        self.page.goto(f"/apps/{APP}")
        self.checkout.commit("Answer faster", VERSION="3\n", BEHAVIOUR="unhealthy\n")
        self.checkout.push()
        self.page.get_by_role("link", name="Answer faster").click()
        self.page.locator("#progress .head").get_by_text("Failed").wait_for()
        outcome = self.page.get_by_role("region", name="Outcome")
        outcome.get_by_text("/health").first.wait_for()
        assert self.stack.get(APP).text == "2"
        self.picture("failed-deployment")

    def roll_back(self) -> None:
        self.page.goto(f"/apps/{APP}")
        self.page.get_by_role("link", name="Version 2").click()
        before = self.page.url
        self.page.get_by_role("button", name="Roll back").click()
        self.page.wait_for_url(lambda url: url != before)
        self.page.locator("#progress .head").get_by_text("Live").wait_for()
        eventually(lambda: self.stack.get(APP).text == "1", what="the first version is served again")

    def export(self) -> None:
        self.page.goto("/containers")
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="CSV").first.click()
        assert APP in download.value.path().read_text()

    def sign_out(self) -> None:
        self.page.goto("/")
        self.page.get_by_role("button", name="Sign out").click()
        self.page.get_by_role("link", name="Sign in").wait_for()

    def _checkout(self) -> Checkout:
        folder = self.stack.state / "checkouts" / APP
        shutil.copytree(PROBE, folder)
        made = Checkout(folder, self.stack.forge.push_url(REPOSITORY))
        made.run("init", "-q", "-b", "main")
        return made
