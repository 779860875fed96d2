"""The API's operations as its document describes them, and how each is tried on another tenant's things.

A new operation is tried by itself. What the document can't say is in the tables below: what acme has of a new
parameter, and a body that a new operation takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from router.reference import description
from router.usecases.confirmation import HEADER as CONFIRM
from tests.integration.isolation.tenants import ACME, CANARY, OUR_PERSON, THEIR_PERSON, UMBRELLA, Tenants

IN_PATHS: Mapping[str, tuple[str, str]] = {
    "app": ("apps", "name"),
    "deployment": ("deployments", "id"),
    "hook": ("hooks", "id"),
    "host": ("domains", "host"),
    "container": ("replicas", "id"),
    "token": ("tokens", "id"),
    "volume": ("volumes", "id"),
    "run": ("runs", "id"),
    "replica": ("replicas", "id"),
    "job": ("runs", "cron"),
    "pull_request": ("previews", "number"),
    "service": ("apps", "name"),
    "backup": ("service_tasks", "id"),
    "task": ("service_tasks", "id"),
    "publisher": ("trusted_publishers", "id"),
    "invitation": ("invitations", "id"),
    "installation": ("github_installations", "id"),
    "tenant": ("tenants", "name"),
    "plan": ("plans", "name"),
}
"""Which column a parameter of a path names a row by."""
IN_QUERIES: Mapping[str, list[str]] = {
    "app": [f"{CANARY}-apps-name"],
    "before": ["771771999"],
    "replica": [f"{CANARY}-replicas-id"],
    "q": [CANARY, f"{CANARY}-apps-name"],
    "state": ["failed", "crashed", "ready"],
    "order": ["state", "cpu", "deployed"],
    "reverse": ["true"],
    "page": ["1"],
    "per_page": ["500"],
    "all": ["true"],
    "volumes": ["true"],
    "tail": ["100"],
    "limit": ["100"],
    "active": ["true"],
    "command": [f'["{CANARY}"]'],
    "columns": ["80"],
    "rows": ["24"],
    "cron": [f"{CANARY}-job"],
    "from": ["1970-01-01T00:00:00Z"],
    "to": ["1970-01-02T00:00:00Z"],
    "step": ["minute", "hour", "day"],
    "by": ["replica"],
    "format": ["json", "csv", "jsonl"],
    "words": [f"{CANARY}-audit-subject"[:12], "."],
}
"""What a parameter of a query is given: acme's where there is such a thing, else what shows the most."""
FOLLOW = "follow"
"""The parameter of a query that makes a stream of the answer."""
EVENTS = "text/event-stream"
BODIES: Mapping[str, dict[str, Any]] = {
    "create_app": {"name": "new", "repository": "https://github.example/umbrella/new.git"},
    "change_app": {"branch": "next"},
    "scale_app": {"replicas": 2},
    "change_variables": {"set": {"A": "1"}},
    "add_domain": {"host": "new.example.org"},
    "give_certificate": {"certificate": "a certificate", "key": "its key"},
    "create_hook": {"repository": "https://github.example/umbrella/new"},
    "create_token": {"name": "new"},
    "create_deployment": {},
    "promote": {"to": "hello"},
    "create_run": {"command": ["true"]},
    "approve_preview": {"commit": "5d1c0aa"},
    "create_service": {"kind": "redis", "name": "new"},
    "change_service": {"schedule": ""},
    "attach_service": {"app": "hello"},
    "roll_back": {},
    "set_tenant_limit": {"requests": 5, "per_s": 60},
    "set_app_limit": {"requests": 5, "per_s": 60},
    "set_access": {"allow": "nobody"},
    "test_access": {"path": "/"},
    "add_user": {"login": OUR_PERSON, "role": "viewer"},
    "change_user": {"role": "viewer"},
    "import_users": {"lines": []},
    "sync_identity": {"dry_run": True},
    "invite": {"email": "new@example.org", "role": "viewer"},
    "add_publisher": {"kind": "github", "constraints": {"repository": "umbrella/hello"}},
    "exchange_job_token": {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "a.b.c",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": f"app:{UMBRELLA}/hello",
    },
    "create_plan": {"name": "new"},
    "change_plan": {"quotas": {"apps": 1}},
    "set_plan_limit": {"requests": 5, "per_s": 60},
    "change_tenant_quota": {"quotas": {"apps": 1}},
    "assign_plan": {"plan": "default"},
}
"""By operation, a body that it takes of an owner of umbrella."""
OF_ALL_TENANTS = {
    *("list_plans", "create_plan", "change_plan", "remove_plan", "set_plan_limit", "remove_plan_limit"),
    *("get_tenant_quota", "change_tenant_quota", "assign_plan", "list_certificates"),
}
"""Operations that show and change any tenant's on purpose: for people with the role platform-admin, and nobody else."""
CALLER_NAMES = {"name"}
"""Parameters of paths that name something of the path's app, or of the caller's own tenant: the same name elsewhere is
nobody's concern."""


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    document: Mapping[str, Any] = field(repr=False)
    schemas: Mapping[str, Any] = field(repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it asks for no role."""
        return not self.document.get("security")

    def parameters(self, where: str) -> list[str]:
        return [each["name"] for each in self.document.get("parameters", []) if each["in"] == where]

    @property
    def streams(self) -> bool:
        """Whether it can answer with events."""
        return EVENTS in self.document["responses"].get("200", {}).get("content", {})

    @property
    def is_confirmed(self) -> bool:
        return CONFIRM in self.parameters("header")

    @property
    def body(self) -> dict[str, Any] | None:
        if "requestBody" not in self.document:
            return None
        if self.name not in BODIES:
            pytest.fail(f"add a body that {self.method} {self.path} takes to BODIES in {__name__}, as {self.name!r}")
        return BODIES[self.name]

    def fields(self) -> dict[str, str]:
        """The body's fields with their type."""
        content = self.document["requestBody"]["content"]["application/json"]["schema"]
        schema = self.schemas[content["$ref"].rpartition("/")[2]]
        return {name: _type(each) for name, each in schema.get("properties", {}).items()}


@dataclass(frozen=True)
class Attempt:
    """One request of umbrella's."""

    operation: Operation
    path: str
    names_theirs: bool
    """Whether its path names a thing of acme."""
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    sent: tuple[str, ...] = ()
    """What of acme is in it."""

    def __str__(self) -> str:
        return f"{self.operation.method} {self.path} {self.body or ''}"


@cache
def operations() -> list[Operation]:
    document = description()
    schemas = document["components"]["schemas"]
    return [
        Operation(each["operationId"], method.upper(), path, each, schemas)
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    ]


def on_their_things(operation: Operation, tenants: Tenants) -> Iterator[Attempt]:
    """Paths in which at least one name or number is acme's."""
    names = operation.parameters("path")
    for values in product(*(_values(operation, tenants, name) for name in names)):
        foreign = [name for name, (_, is_theirs) in zip(names, values, strict=True) if is_theirs]
        if foreign:
            given = dict(zip(names, (value for value, _ in values), strict=True))
            yield _attempt(operation, given, names_theirs=not CALLER_NAMES.issuperset(foreign))
            if FOLLOW in operation.parameters("query"):
                yield _attempt(operation, given, names_theirs=True, query={FOLLOW: "true"})


def own_names(operation: Operation, tenants: Tenants) -> dict[str, str]:
    """The path's parameters, as they name what umbrella has."""
    return {name: _values(operation, tenants, name)[0][0] for name in operation.parameters("path")}


def own_stream(operation: Operation, tenants: Tenants) -> Attempt:
    own = own_names(operation, tenants)
    query = {FOLLOW: "true"} if FOLLOW in operation.parameters("query") else None
    return _attempt(operation, own, names_theirs=False, query=query)


def on_our_things(operation: Operation, tenants: Tenants) -> Iterator[Attempt]:
    """umbrella's own paths, with acme's things in the query and in the body."""
    own = own_names(operation, tenants)
    yield _attempt(operation, own, names_theirs=False)
    for name in set(operation.parameters("query")) - {FOLLOW}:
        if name not in IN_QUERIES:
            pytest.fail(f"say in IN_QUERIES of {__name__} what acme has of the parameter {name!r} of {operation.path}")
        for value in IN_QUERIES[name]:
            yield _attempt(operation, own, names_theirs=False, query={name: value}, sent=(value,))
    if operation.body is not None:
        for name, kind in operation.fields().items():
            for value in _theirs_of_type(tenants, kind):
                body = {**operation.body, name: value}
                yield _attempt(operation, own, names_theirs=False, body=body, sent=_texts(value))


def _attempt(
    operation: Operation,
    given: Mapping[str, str],
    *,
    names_theirs: bool,
    query: Mapping[str, str] | None = None,
    body: dict[str, Any] | None = None,
    sent: tuple[str, ...] = (),
) -> Attempt:
    path = operation.path
    for name, value in given.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    path += f"?{urlencode(query)}" if query else ""
    headers = {CONFIRM: next(iter(given.values()))} if operation.is_confirmed else {}
    in_path = tuple(value for value in given.values() if CANARY in value or value.startswith("771"))
    return Attempt(operation, path, names_theirs, body or operation.body, headers, (*in_path, *sent))


def _values(operation: Operation, tenants: Tenants, name: str) -> list[tuple[str, bool]]:
    """umbrella's, then acme's, each with whether it is acme's."""
    if name == "login":
        return [(OUR_PERSON, False), (THEIR_PERSON, True)]
    if name == "name":
        return [("own-limit", False), (f"{CANARY}-limit", True)]
    if name not in IN_PATHS:
        pytest.fail(f"say in IN_PATHS of {__name__} by which column {{{name}}} of {operation.path} names a row")
    table, column = IN_PATHS[name]
    theirs, ours = tenants.of(table, column)
    twin = str(tenants.twins.rows[table][column])
    return [(ours, False), (theirs, True), *([(twin, True)] if twin != ours else [])]


def _theirs_of_type(tenants: Tenants, kind: str) -> list[Any]:
    named = (IN_PATHS["app"], IN_PATHS["host"], IN_PATHS["hook"], ("apps", "repository"))
    texts = [*(tenants.of(*each)[0] for each in named), THEIR_PERSON, f"/tenants/{ACME}/owner"]
    numbers = [int(tenants.of(*IN_PATHS[name])[0]) for name in ("deployment", "token")]
    of_type: dict[str, list[Any]] = {
        "string": texts,
        "integer": numbers,
        "array": [[text] for text in texts],
        "object": [{text: text} for text in texts[:1]],
    }
    return of_type.get(kind, [])


def _texts(value: Any) -> tuple[str, ...]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return tuple(spelling for each in values for spelling in spellings(str(each)))


def spellings(text: str) -> tuple[str, ...]:
    """What an answer may make of what it was sent: of a clone URL also `host/owner/name` and the host."""
    identity = text.removeprefix("https://").removesuffix(".git")
    return (text, identity, identity.partition("/")[0]) if identity != text else (text,)


def _type(schema: Mapping[str, Any]) -> str:
    """The first type that is not null."""
    kinds = [schema, *schema.get("anyOf", [])]
    return next((each["type"] for each in kinds if each.get("type") not in (None, "null")), "string")
