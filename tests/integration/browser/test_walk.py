"""The whole way of a person through the console, on a real platform: forge, worker, agent, edge and containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.stack import running_stack
from tests.screenshots.walk import Walk

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_from_the_sign_in_to_a_live_app_into_a_failure_and_back(chromium: Browser) -> None:
    with running_stack() as stack:
        context = chromium.new_context(base_url=stack.settings.public_url)
        Walk(stack, context.new_page()).run()
        context.close()
