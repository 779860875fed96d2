"""A realm brought to where it has to be, part by part: look, compare, repair. Each part can be done again at any
time, so a run that was cut off is finished by the next. What people made beside ours stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.adapters.keycloak.admin import Admin
from slipway.adapters.keycloak.group_sync import GroupSync
from slipway.core.identity.differences import Difference, differences, merged, missing
from slipway.core.identity.wanted_realm import Grant, TenantGroup, WantedRealm

_SCOPES = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}
_SEPARATE = ("protocolMappers", *_SCOPES)
"""Fields of clients and client scopes that Keycloak changes by calls of their own."""


class RealmSync:
    """One run over one realm. With `dry_run` it only looks."""

    def __init__(self, admin: Admin, wanted: WantedRealm, *, dry_run: bool) -> None:
        self._admin = admin
        self._wanted = wanted
        self._dry_run = dry_run
        self._realm = f"/{wanted.name}"
        self._found: list[Difference] = []

    def run(self, tenants: Iterable[TenantGroup]) -> list[Difference]:
        """What differed, and is repaired unless `dry_run`, or unless a difference says why not."""
        found = self._admin.find(self._realm)
        if found is None:
            self._found.append(missing(f"realm {self._wanted.name}"))
            if self._dry_run:
                return self._found
            self._admin.post("", self._wanted.document)
            found = self._admin.get(self._realm)
        self._settings(found)
        self._roles()
        self._scopes()
        self._clients()
        for grant in self._wanted.grants:
            self._grant(grant)
        groups = GroupSync(self._admin, self._realm, dry_run=self._dry_run)
        return [*self._found, *groups.run(tenants)]

    def _settings(self, found: Mapping[str, Any]) -> None:
        wanted = self._wanted.settings
        differing = self._differs(f"realm {self._wanted.name}", wanted, found)
        fields = {name: wanted[name] for name in {each.partition(".")[0] for each in differing}}
        if fields:
            there = {name: found[name] for name in fields if name in found}
            self._repair("put", self._realm, merged(fields, there))

    def _roles(self) -> None:
        for role in self._wanted.roles:
            path = f"{self._realm}/roles/{role['name']}"
            self._hold(f"role {role['name']}", role, self._admin.find(path), f"{self._realm}/roles", path)

    def _scopes(self) -> None:
        found = {scope["name"]: scope for scope in self._admin.get(f"{self._realm}/client-scopes")}
        for scope in self._wanted.scopes:
            self._held_with_mappers(f"client scope {scope['name']}", scope, found.get(scope["name"]), "client-scopes")

    def _clients(self) -> None:
        for client in self._wanted.clients:
            name = client["clientId"]
            found = self._client(name)
            where = f"client {name}"
            client_id = self._held_with_mappers(where, client, found, "clients")
            if client_id:
                self._scopes_of(where, client, client_id)

    def _client(self, name: str) -> dict[str, Any] | None:
        listed = self._admin.get(f"{self._realm}/clients", clientId=name)
        return next((client for client in listed if client["clientId"] == name), None)

    def _held_with_mappers(
        self, where: str, wanted: Mapping[str, Any], found: Mapping[str, Any] | None, kind: str
    ) -> str:
        """Hold a client or a client scope to `wanted`; its id, empty where a dry run found none."""
        fields = {name: value for name, value in wanted.items() if name not in _SEPARATE}
        above = f"{self._realm}/{kind}"
        if found is None:
            self._found.append(missing(where))
            return "" if self._dry_run else self._admin.post(above, dict(wanted))
        item_id = str(found["id"])
        rest = {name: value for name, value in found.items() if name not in _SEPARATE}
        if self._differs(where, fields, rest):
            self._repair("put", f"{above}/{item_id}", merged(fields, rest))
        mappers = {mapper["name"]: mapper for mapper in found.get("protocolMappers") or []}
        path = f"{above}/{item_id}/protocol-mappers/models"
        for mapper in wanted.get("protocolMappers") or []:
            there = mappers.get(mapper["name"])
            own = f"{path}/{there['id']}" if there else ""
            self._hold(f"{where}, mapper {mapper['name']}", mapper, there, path, own)
        return item_id

    def _scopes_of(self, where: str, client: Mapping[str, Any], client_id: str) -> None:
        """The client scopes that a client has, which are all that its tokens say: no other stays. Keycloak itself adds
        one whenever a client with a service account is changed."""
        for field, kind in _SCOPES.items():
            path = f"{self._realm}/clients/{client_id}/{kind}"
            there = {scope["name"]: scope["id"] for scope in self._admin.get(path)}
            if not self._differs(where, {field: client[field]}, {field: list(there)}) or self._dry_run:
                continue
            known = {scope["name"]: scope["id"] for scope in self._admin.get(f"{self._realm}/client-scopes")}
            for name in there.keys() - set(client[field]):
                self._admin.delete(f"{path}/{there[name]}")
            for name in set(client[field]) - there.keys():
                self._admin.put(f"{path}/{known[name]}", {})

    def _grant(self, grant: Grant) -> None:
        to = self._client(grant.to)
        of = self._client(grant.client) if grant.client else None
        if to is None or (grant.client and of is None):
            return  # a dry run that found no such client
        kind = f"clients/{of['id']}" if of else "realm"
        path = f"{self._realm}/clients/{to['id']}/scope-mappings/{kind}"
        if grant.of_account:
            account = self._admin.get(f"{self._realm}/clients/{to['id']}/service-account-user")
            path = f"{self._realm}/users/{account['id']}/role-mappings/{kind}"
        there = {role["name"] for role in self._admin.get(path)}
        for name in grant.roles:
            if name not in there:
                what = "role of its account" if grant.of_account else "role it may use"
                self._found.append(missing(f"client {grant.to}, {what}: {name}"))
                roles = f"{self._realm}/clients/{of['id']}/roles" if of else f"{self._realm}/roles"
                if not self._dry_run:
                    self._admin.post(path, [self._admin.get(f"{roles}/{name}")])

    def _hold(
        self, where: str, wanted: Mapping[str, Any], found: Mapping[str, Any] | None, above: str, path: str
    ) -> None:
        """Make the item above which `above` is, or have what differs of the one at `path` as it is wanted."""
        if found is None:
            self._found.append(missing(where))
            self._repair("post", above, dict(wanted))
        elif self._differs(where, wanted, found):
            self._repair("put", path, merged(wanted, found))

    def _differs(self, where: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        new = differences(where, wanted, found)
        self._found += new
        return [each.what for each in new]

    def _repair(self, method: str, path: str, document: Any) -> None:
        if not self._dry_run:
            getattr(self._admin, method)(path, document)
