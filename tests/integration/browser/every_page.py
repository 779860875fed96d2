"""All pages that people see, found in the app's own table of addresses: a new page is among them by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.routing import Rule

from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import Deployment
from tests.fixtures.api import Api, Caller

if TYPE_CHECKING:
    from playwright.sync_api import Page

BESIDE = (
    *("/apps/none", "/?q=nothing-is", "/containers?q=nothing-is", "/find?q=nothing-is", "/find?app=shop"),
    *("/apps/shop/try?again=2", "/apps/shop/try/compare?first=1&second=2", "/apps/shop/try/compare?first=1&second=9"),
)
"""Other faces of pages: problems, and lists in which nothing is found."""
NEVER_PAGES = {
    "/auth/login",
    "/auth/invitations/<secret>/sign-in",
    "/auth/session",
    "/healthz",
    "/readyz",
    "/.well-known/slipway/jwks.json",
}
"""What leads on to the identity provider, and what answers programs."""


def rules(api: Api) -> list[Rule]:
    """Those that a browser may come to; the console's first."""
    app: Flask = api.client.application  # type: ignore[assignment]
    found = [rule for rule in app.url_map.iter_rules() if _is_for_browsers(rule)]
    return sorted(found, key=lambda rule: (rule.rule.startswith("/auth"), rule.rule))


def shown(page: Page, api: Api, values: Mapping[str, object]) -> dict[str, str]:
    """The path of each that answers whoever has that page open with a page; by its rule."""
    paths = {rule.rule: path_of(rule, values) for rule in rules(api)}
    return {rule: path for rule, path in paths.items() if _answers_with_a_page(page, path)}


def path_of(rule: Rule, values: Mapping[str, object]) -> str:
    unknown = rule.arguments - values.keys()
    assert not unknown, f"say what {sorted(unknown)} is in {rule.rule}"
    _, path = rule.build({name: values[name] for name in rule.arguments}) or ("", "")
    return path


def failed_deployment(api: Api, owner: Caller) -> str:
    """The path of its page."""
    number: int = owner.post("/api/apps/shop/deployments", {"rebuild": True})["id"]
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        row.tail, row.remedy = "Traceback …\nKeyError: 'DATABASE_URL'\n" * 10, "slipway env set DATABASE_URL=…"
        row.detail, row.reason = "GET :8080/health answered 500 (6 tries)", "start-probe-failed"
        row.steps = [{"name": "fetch", "started_at": 1.0, "ended_at": 2.0, "ok": False, "note": "no such commit"}]
        lifecycle.advance(row, State.FETCHING)
        lifecycle.advance(row, State.FAILED)
    return f"/deployments/{number}"


def _is_for_browsers(rule: Rule) -> bool:
    return "GET" in (rule.methods or ()) and not rule.rule.startswith(("/api", "/assets", "/static", "/live"))


def _answers_with_a_page(page: Page, path: str) -> bool:
    answer = page.request.get(path, max_redirects=0)
    assert answer.status != 500, f"{path}: {answer.text()[:2000]}"
    return answer.headers.get("content-type", "").startswith("text/html") and not 300 <= answer.status < 400
