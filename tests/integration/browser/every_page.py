"""All pages that people see, found in the app's own table of addresses: a new page is among them by itself."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import Rule

from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import Deployment
from tests.fixtures.api import Api, Caller

BESIDE = ("/apps/none", "/?q=nothing-is", "/containers?q=nothing-is", "/find?q=nothing-is", "/find?app=shop")
"""Other faces of pages: problems, and lists in which nothing is found."""


def paths(api: Api, owner: Caller, shop: int) -> list[str]:
    """Those that answer with a page to somebody who is signed in; the console's first."""
    app: Flask = api.client.application  # type: ignore[assignment]
    hook = owner.get("/api/hooks")["hooks"][0]["id"]
    values = {"app": "shop", "deployment": shop, "hook": hook, "secret": "none", "login_id": "none"}
    rules = [rule for rule in app.url_map.iter_rules() if _is_page(rule)]
    found = [_path(rule, values) for rule in sorted(rules, key=lambda rule: (rule.rule.startswith("/auth"), rule.rule))]
    shown = [path for path in found if _answers_with_a_page(api, owner, path)]
    return [*shown, *BESIDE, f"/deployments/{_failed(api, owner)}"]


def _is_page(rule: Rule) -> bool:
    elsewhere = ("/api", "/assets", "/static", "/internal", "/live", "/auth/session")
    return "GET" in (rule.methods or ()) and not rule.rule.startswith(elsewhere)


def _path(rule: Rule, values: dict[str, object]) -> str:
    unknown = rule.arguments - values.keys()
    assert not unknown, f"say what {sorted(unknown)} is in {rule.rule}"
    _, path = rule.build({name: values[name] for name in rule.arguments}) or ("", "")
    return path


def _answers_with_a_page(api: Api, owner: Caller, path: str) -> bool:
    answer = api.client.get(path, headers={"Authorization": f"Bearer {owner.token}"})
    return answer.content_type.startswith("text/html") and not 300 <= answer.status_code < 400


def _failed(api: Api, owner: Caller) -> int:
    number: int = owner.post("/api/apps/shop/deployments", {"rebuild": True})["id"]
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        row.tail, row.remedy = "Traceback …\nKeyError: 'DATABASE_URL'\n" * 10, "slipway env set DATABASE_URL=…"
        row.detail, row.reason = "GET :8080/health answered 500 (6 tries)", "start-probe-failed"
        row.steps = [{"name": "fetch", "started_at": 1.0, "ended_at": 2.0, "ok": False, "note": "no such commit"}]
        lifecycle.advance(row, State.FETCHING)
        lifecycle.advance(row, State.FAILED)
    return number
