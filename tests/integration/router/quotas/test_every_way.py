"""Everything that could make a tenant use more is refused at its quota. The lists below are compared with the code:
whoever adds a route, a setting, an intent or a row that counts has to say here whether it can."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel
from sqlalchemy.orm import Session

from slipway.core.app_settings.model import AppSettings
from slipway.core.quota import quotas
from slipway.core.quota.quotas import Quota
from slipway.domain import intents
from slipway.settings import QUOTAS
from tests.fixtures.api import Api, Caller
from tests.fixtures.quotas import RAISING_SETTINGS
from tests.fixtures.releases import make_live

ROOT = Path(__file__).parents[4]
REPORT = {"name": "report", "schedule": "@yearly", "command": "report"}
SETTINGS: dict[str, Any] = {"resources": {"memory_mb": 100, "cpus": 0.5}, "cron": [REPORT]}
APP = "/api/apps/hello"
Attempt = Callable[[Caller], Any]


def _refused(caller: Caller, method: str, path: str, body: Any = None) -> Any:
    return caller.problem(403, method, path, body)


ATTEMPTS: dict[str, dict[Quota, Attempt]] = {
    "POST /api/apps": {
        Quota.APPS: lambda caller: _refused(
            caller, "POST", "/api/apps", {"name": "two", "repository": "https://github.example/acme/two.git"}
        ),
        Quota.REPLICAS: lambda caller: _refused(
            caller, "POST", "/api/apps", {"name": "two", "image": "registry.example/two:1", "replicas": 2}
        ),
    },
    "POST /api/services": {
        quota: lambda caller: _refused(caller, "POST", "/api/services", {"kind": "redis", "name": "cache"})
        for quota in (Quota.APPS, Quota.REPLICAS)
    },
    "PUT /api/apps/<app>/scale": {
        quota: lambda caller: _refused(caller, "PUT", f"{APP}/scale", {"replicas": 2})
        for quota in (Quota.REPLICAS, Quota.CPUS, Quota.MEMORY)
    },
    "PATCH /api/apps/<app>": {
        Quota.MEMORY: lambda caller: _refused(caller, "PATCH", APP, {"settings": {"resources": {"memory_mb": 101}}}),
        Quota.CPUS: lambda caller: _refused(caller, "PATCH", APP, {"settings": {"resources": {"cpus": 0.51}}}),
        Quota.REPLICAS: lambda caller: _refused(
            caller, "PATCH", APP, {"settings": {"processes": {"work": {"command": "w"}}}}
        ),
        Quota.VOLUMES: lambda caller: _refused(caller, "PATCH", APP, {"settings": {"volumes": [{"path": "/a"}]}}),
    },
    "POST /api/apps/<app>/runs": {
        quota: lambda caller: _refused(caller, "POST", f"{APP}/runs", {"command": ["true"]})
        for quota in (Quota.REPLICAS, Quota.CPUS, Quota.MEMORY)
    },
    "POST /api/apps/<app>/cron/<job>/run": {
        quota: lambda caller: _refused(caller, "POST", f"{APP}/cron/report/run")
        for quota in (Quota.REPLICAS, Quota.CPUS, Quota.MEMORY)
    },
    "POST /api/apps/<app>/domains": {
        Quota.DOMAINS: lambda caller: _refused(caller, "POST", f"{APP}/domains", {"host": "shop.example.org"})
    },
    "POST /api/apps/<app>/deployments": {
        Quota.BUILD_MINUTES: lambda caller: _refused(caller, "POST", f"{APP}/deployments", {})
    },
    "POST /api/apps/<app>/rollback": {
        Quota.MEMORY: lambda caller: _refused(caller, "POST", f"{APP}/rollback", {"to": 1})
    },
}
"""By route and quota: what is refused when the quota is what is used."""

NEVER_MORE = {
    "DELETE /api/apps/<app>": "less",
    "DELETE /api/apps/<app>/domains/<host>": "less",
    "PUT /api/apps/<app>/domains/<host>/certificate": "one for each host, and hosts count",
    "DELETE /api/apps/<app>/domains/<host>/certificate": "less",
    "DELETE /api/volumes/<volume>": "less",
    "POST /api/deployments/<int:deployment>/cancel": "less",
    "POST /api/apps/<app>/promote": "its worker asks before the image is taken, and its release asks",
    "POST /api/apps/<app>/runs/<int:run>/cancel": "less",
    "POST /api/apps/<app>/previews/<int:pull_request>/approve": "the agent asks before it makes the preview's app",
    "DELETE /api/apps/<app>/previews/<int:pull_request>": "less",
    "PATCH /api/services/<service>": "its schedule, and how many backups are kept",
    "DELETE /api/services/<service>": "less",
    "POST /api/services/<service>/attachments": "the same release with other variables",
    "DELETE /api/services/<service>/attachments/<app>": "the same release with other variables",
    "POST /api/services/<service>/rotate": "the same releases with other variables",
    "POST /api/services/<service>/backups": "a program in its container",
    "POST /api/services/<service>/backups/<int:backup>/restore": "a program in its container",
    "DELETE /api/github/installations/<int:installation>": "no row that counts",
    "POST /api/apps/<app>/access/test": "a question",
    "POST /api/account/console-link": "a sign-in",
    "POST /api/apps/<app>/domains/<host>/check": "a question",
    "PATCH /api/apps/<app>/variables": "the same release with other variables; its deployment is asked as every one",
    "PUT /api/apps/<app>/access": "edges alone",
    "PUT /api/apps/<app>/limits/<name>": "edges alone",
    "DELETE /api/apps/<app>/limits/<name>": "edges alone",
    "PUT /api/limits/<name>": "edges alone",
    "DELETE /api/limits/<name>": "edges alone",
    "POST /api/hooks": "no row that counts",
    "POST /api/hooks/<hook>/rotate": "no row that counts",
    "DELETE /api/hooks/<hook>": "no row that counts",
    "POST /api/tokens": "no row that counts",
    "DELETE /api/tokens/<int:token>": "no row that counts",
    "POST /api/apps/<app>/publishers": "no row that counts",
    "DELETE /api/apps/<app>/publishers/<int:publisher>": "no row that counts",
    "POST /api/publish/token": "no row that counts",
    "POST /api/invitations": "people are not limited",
    "DELETE /api/invitations/<int:invitation>": "people are not limited",
    "DELETE /api/users/<login>/sessions": "people are not limited",
    "POST /api/users": "people are not limited",
    "PATCH /api/users/<login>": "people are not limited",
    "DELETE /api/users/<login>": "people are not limited",
    "POST /api/users/import": "people are not limited",
    "POST /api/identity/sync": "people are not limited",
    "POST /api/plans": "administrators change what is allowed",
    "PATCH /api/plans/<plan>": "administrators change what is allowed",
    "DELETE /api/plans/<plan>": "administrators change what is allowed",
    "PUT /api/plans/<plan>/limits/<name>": "administrators change what is allowed",
    "DELETE /api/plans/<plan>/limits/<name>": "administrators change what is allowed",
    "PATCH /api/tenants/<tenant>/quota": "administrators change what is allowed",
    "PUT /api/tenants/<tenant>/plan": "administrators change what is allowed",
}
OTHER_SETTINGS = {
    *("app", "port", "health", "health_path", "build", "static", "timeouts", "strategy", "pre_deploy", "paths"),
    "previews",
    *(
        "balancing",
        "weights",
        "max_concurrency",
        "waiting",
        "ejection",
        "breaker",
        "limits",
        "access",
        "https",
        "cron",
        "max_body_mb",
    ),
    *("resources.pids", "resources.read_only", "processes.*.command"),
}
INTENTS = {
    "push": "its build asks for minutes, and its release for the rest",
    "deploy": "as POST /api/apps/<app>/deployments",
    "promote": "its worker asks before the image is taken, and its release asks",
    "rollback": "as POST /api/apps/<app>/rollback",
    "reconfigure": "as PATCH /api/apps/<app>; its release asks",
    "scale": "as PUT /api/apps/<app>/scale",
    "mark_locked": "nothing",
    "live_deployment": "nothing",
}
MADE_IN = {
    "App": {"router/usecases/apps.py", "builder/warm_up.py", "builder/agent/previews/making.py"},
    "Scale": {
        "router/usecases/apps.py",
        "slipway/domain/intents.py",
        "builder/agent/rollout/releases/snapshot.py",
        "builder/agent/previews/making.py",
        "router/usecases/attached/services.py",
    },
    "Domain": {"slipway/domain/route_table.py"},
    "Release": {"builder/agent/rollout/releases/snapshot.py"},
    "Volume": {"builder/agent/rollout/releases/volumes.py"},
    "BuildTime": {"slipway/domain/lifecycle.py"},
    "Run": {"slipway/domain/runs/beginning.py", "slipway/domain/runs/ticks.py"},
}
"""Where rows that count are made. A tick that does not run is a row that has ended, and counts nothing. Volumes are
those that a frozen release declares; the warm-up rolls its rows back."""


@pytest.fixture
def full(api: Api, owner: Caller, quota: Any) -> Callable[[Quota], None]:
    """An app with two releases, of which the smaller is live; then the quota is what is used."""
    owner.create_app()
    make_live(api.services.db, "hello", settings={"resources": {"memory_mb": 200, "cpus": 0.5}})
    make_live(api.services.db, "hello", settings=SETTINGS)
    owner.patch(APP, {"settings": SETTINGS})

    def fill(limited: Quota) -> None:
        used = {each["name"]: each["used"] for each in owner.get("/api/quota")["quotas"]}
        quota(**{limited: 0 if limited is Quota.BUILD_MINUTES else used[limited]})

    return fill


@pytest.mark.parametrize(
    ("route", "limited"), [(route, limited) for route, attempts in ATTEMPTS.items() for limited in attempts]
)
def test_it_is_refused_at_the_quota_and_allowed_without(
    api: Api, owner: Caller, full: Callable[[Quota], None], quota: Any, route: str, limited: Quota
) -> None:
    full(limited)
    before = owner.get("/api/quota")
    problem = ATTEMPTS[route][limited](owner)
    assert (problem["code"], problem["quota"], problem["left"]) == ("quota-exceeded", limited, 0)
    assert "slipway quota" in problem["remedy"]
    after = owner.get("/api/quota")
    assert [each["used"] for each in before["quotas"]] == [each["used"] for each in after["quotas"]]
    quota(**{limited: None})
    with pytest.raises(AssertionError, match=r"^2\d\d: "):
        ATTEMPTS[route][limited](owner)


def test_every_quota_is_refused_somewhere() -> None:
    assert {limited for attempts in ATTEMPTS.values() for limited in attempts} == set(Quota) == set(QUOTAS)
    assert set(quotas.in_force([])) == set(Quota)


def test_every_route_that_changes_something_is_in_a_list(api: Api) -> None:
    assert set(_changing(api.client.application)) == ATTEMPTS.keys() | NEVER_MORE.keys()
    assert not ATTEMPTS.keys() & NEVER_MORE.keys()


def test_every_setting_is_in_a_list() -> None:
    assert set(_settings()) == RAISING_SETTINGS.keys() | OTHER_SETTINGS


def test_every_intent_is_in_the_list() -> None:
    with_session = {
        name
        for name, function in inspect.getmembers(intents, inspect.isfunction)
        if function.__module__ == intents.__name__ and not name.startswith("_") and "session" in _parameters(function)
    }
    assert with_session == INTENTS.keys()


def test_rows_that_count_are_made_where_the_quota_is_asked_and_nowhere_else() -> None:
    sources = {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in ("slipway", "builder", "router", "webhook")
        for path in (ROOT / folder).rglob("*.py")
        if "slipway/models" not in str(path)
    }
    made = {row: {path for path, text in sources.items() if _makes(text, row)} for row in MADE_IN}
    assert made == MADE_IN
    asking = {path for path, text in sources.items() if "from slipway.domain.quota import enforcement" in text}
    assert asking >= {
        "router/usecases/apps.py",
        "router/usecases/domains.py",
        "slipway/domain/intents.py",
        "slipway/domain/runs/beginning.py",
        "builder/agent/rollout/releases/snapshot.py",
        "builder/quota.py",
        "builder/agent/previews/making.py",
    }


def _makes(text: str, row: str) -> bool:
    imported = re.search(
        rf"from slipway\.models import [^\n]*\b{row}\b|from slipway\.models import \([^)]*\b{row}\b", text
    )
    return bool(imported and re.search(rf"(?<![\w.]){row}\((?!\))", text))


def _changing(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
                yield f"{method} {rule.rule}"


def _settings() -> Iterator[str]:
    for name in AppSettings.model_fields:
        inner = {"resources": "resources", "processes": "processes.*"}.get(name)
        if inner is None or name == "processes":
            yield name
        if inner is not None:
            yield from (f"{inner}.{each}" for each in _inner(name).model_fields)


def _inner(name: str) -> type[BaseModel]:
    annotation: Any = AppSettings.model_fields[name].annotation
    return annotation.__args__[1] if name == "processes" else annotation


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_a_session_is_what_intents_take() -> None:
    """Without it `test_every_intent_is_in_the_list` would look at nothing."""
    assert inspect.signature(intents.scale, eval_str=True).parameters["session"].annotation is Session
