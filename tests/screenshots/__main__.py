"""`python -m tests.screenshots [FOLDER]`: start a platform, walk through its console, and take the pictures.

Those that documents show go to docs/images/; all pages, in both themes and as wide as a phone, go to FOLDER, where they
are looked at one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.fixtures.load.clients import Crowd
from tests.fixtures.load.crowds import crowds
from tests.fixtures.stack import ROOT, Stack, running_stack
from tests.integration.browser.conftest import CHROMIUM
from tests.screenshots.walk import APP, Walk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = ROOT / "docs" / "images"
SHOWN = ("apps", "app", "deployment", "containers", "dashboard")
"""Those of documents, in both themes."""
SIZE_MOST = 200_000
APPS = {"billing": "loop", "search": "module", "mailer": "lines", "docs": "stages"}
"""App → its source in tests/apps/fleet."""
PAUSES_S = {"billing": 0.2, "search": 0.1, "mailer": 0.8, "docs": 0.4, APP: 0.05}
MINUTES = 6
"""So many points have the charts."""
LOOKS = {
    "light": ("light", 1280, 800),
    "dark": ("dark", 1280, 800),
    "phone": ("light", 390, 844),
    "phone-dark": ("dark", 390, 844),
}
POINTS = """(least) => {
  const column = document.querySelector("#data_requests th[data-values]");
  return column && column.dataset.values.split(",").filter((each) => Number(each) > 0).length >= least;
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"


@dataclass
class Camera:
    page: Page
    folder: Path

    def __call__(self, name: str) -> None:
        for look, (theme, width, height) in LOOKS.items():
            self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate(DRAWN)
            is_shown = name in SHOWN and look in ("light", "dark")
            self.page.screenshot(path=self.folder / f"{name}-{look}.png", full_page=not is_shown)
            if is_shown:
                _publish(self.folder / f"{name}-{look}.png")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_stack() as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        _deploy_others(stack)
        with crowds(stack.port, *(_crowd(name) for name in APPS)):
            with _page(browser, stack) as page:
                Walk(stack, page, Camera(page, folder)).run()
            with crowds(stack.port, _crowd(APP)), _page(browser, stack) as page:
                walk = Walk(stack, page, Camera(page, folder))
                walk.sign_in()
                _take_all(walk)
        browser.close()


def _deploy_others(stack: Stack) -> None:
    sources = ROOT / "tests" / "apps" / "fleet"
    checkouts = {name: stack.app(name, source=sources / source, replicas=3) for name, source in APPS.items()}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: stack.deploy(name, checkouts[name], "1"), APPS))


def _crowd(app: str) -> Crowd:
    return Crowd(f"{app}.localhost", getters=2, pause_s=PAUSES_S[app])


@contextmanager
def _page(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.settings.public_url)
    yield context.new_page()
    context.close()


def _take_all(walk: Walk) -> None:
    """Once the charts show something."""
    page = walk.page
    page.goto("/dashboard?period=hour")
    page.wait_for_function(POINTS, arg=MINUTES, timeout=1000 * 60 * 2 * MINUTES)
    live = next(each["id"] for each in walk.stack.deployments(APP) if each["state"] == "live")
    tabs = ("logs", "domains", "variables", "access", "limits", "settings", "try", "delete")
    pages = {
        "dashboard": "/dashboard?period=hour",
        "apps": "/",
        "app": f"/apps/{APP}",
        "deployment": f"/deployments/{live}",
        "containers": "/containers?order=requests",
        "new": "/new",
        **{f"app-{tab}": f"/apps/{APP}/{tab}" for tab in tabs},
        **{f"tenant-{tab}": f"/tenant/{tab}" for tab in ("people", "tokens", "hooks", "publishers", "audit")},
        "tenant": "/tenant",
        "find": f"/find?app={APP}",
        "problem": "/apps/none",
    }
    for name, path in pages.items():
        page.goto(path)
        walk.picture(name)
    _take_dialogs(walk)


def _take_dialogs(walk: Walk) -> None:
    walk.page.goto(f"/apps/{APP}")
    walk.page.keyboard.press("/")
    walk.page.get_by_role("option").first.wait_for()
    walk.picture("palette")
    walk.page.keyboard.press("Escape")
    walk.page.keyboard.press("?")
    walk.picture("keys")


def _publish(picture: Path) -> None:
    size = picture.stat().st_size
    assert size <= SIZE_MOST, f"{picture.name} has {size} bytes: documents show pictures of {SIZE_MOST} at most"
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / picture.name).write_bytes(picture.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots"))
