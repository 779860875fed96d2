"""The groups: `/tenants`, in it one for each tenant, in that one for each role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.adapters.keycloak.admin import Admin
from slipway.core.identity.differences import Difference, missing
from slipway.core.identity.groups import MARK, find, mark_of
from slipway.core.identity.wanted_realm import TENANTS, TenantGroup, role_names


class GroupSync:
    """One run over the groups of one realm. With `dry_run` it only looks."""

    def __init__(self, admin: Admin, realm: str, *, dry_run: bool) -> None:
        self._admin = admin
        self._realm = realm
        self._dry_run = dry_run
        self._found: list[Difference] = []

    def run(self, tenants: Iterable[TenantGroup]) -> list[Difference]:
        top = self._hold("", "", TENANTS, TENANTS, self._listed(f"{self._realm}/groups"))
        above = self._children(top)
        for tenant in tenants:
            group = self._hold(f"/{TENANTS}", top, tenant.name, tenant.mark, above)
            if group is None:
                continue
            below = self._children(group)
            for role in role_names():
                self._hold(f"/{TENANTS}/{tenant.name}", group, role, role, below)
        return self._found

    def _children(self, group: str | None) -> list[dict[str, Any]]:
        return self._listed(f"{self._realm}/groups/{group}/children") if group else []

    def _listed(self, path: str) -> list[dict[str, Any]]:
        return list(self._admin.all(path, briefRepresentation="false"))

    def _hold(
        self, path: str, parent: str | None, name: str, mark: str, siblings: Iterable[Mapping[str, Any]]
    ) -> str | None:
        """The group's id: it is made, named or marked where that is needed. None: it is left as it is; empty: a dry
        run found none."""
        where = f"group {path}/{name}"
        found = find(name, mark, siblings)
        if found.left:
            self._found.append(Difference(where, "", None, None, found.left))
            return None
        marked = {"name": name, "attributes": {MARK: [mark]}}
        if found.group is None:
            self._found.append(missing(where))
            above = f"{self._realm}/groups/{parent}/children" if path else f"{self._realm}/groups"
            return "" if self._dry_run else self._admin.post(above, marked)
        return self._named_and_marked(where, marked, mark, found.group)

    def _named_and_marked(self, where: str, marked: Mapping[str, Any], mark: str, group: Mapping[str, Any]) -> str:
        group_id = str(group["id"])
        renamed, unmarked = group["name"] != marked["name"], mark_of(group) != mark
        if renamed:
            self._found.append(Difference(where, "name", group["name"], marked["name"]))
        if unmarked:
            self._found.append(Difference(where, f"attribute {MARK}", None, mark))
        if (renamed or unmarked) and not self._dry_run:
            attributes = {**(group.get("attributes") or {}), **marked["attributes"]}
            self._admin.put(f"{self._realm}/groups/{group_id}", {**group, **marked, "attributes": attributes})
        return group_id
