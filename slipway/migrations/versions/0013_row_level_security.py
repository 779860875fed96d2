"""Row-level security: a query that passes the session's filter by reaches no other tenant's rows"""

from __future__ import annotations

from slipway.migrations.row_security import protect, unprotect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OF_AN_APP = {"app_id": "apps"}
_OF_TENANTS = {
    "apps": {},
    "scale": _OF_AN_APP,
    "variables": _OF_AN_APP,
    "domains": _OF_AN_APP,
    "volumes": _OF_AN_APP,
    "hooks": {},
    "hook_secrets": {"hook_id": "hooks"},
    "deliveries": {"hook_id": "hooks"},
    "releases": _OF_AN_APP,
    "deployments": {"app_id": "apps", "delivery_row": "deliveries", "release_id": "releases"},
    "builds": {"app_id": "apps", "deployment_id": "deployments"},
    "replicas": {"app_id": "apps", "release_id": "releases", "deployment_id": "deployments"},
    "targets": _OF_AN_APP,
    "addresses": {},
    "tokens": {},
    "trusted_publishers": _OF_AN_APP,
    "publish_tokens": {"app_id": "apps", "publisher_id": "trusted_publishers"},
    "spent_job_tokens": {},
    "invitations": {"token_id": "tokens"},
    "build_times": {"deployment_id": "deployments"},
}
"""Tables with a tenant, and what their rows refer to. A token's person is no tenant's."""
_OTHERS = {
    "tenants": ("id", ("SELECT", "UPDATE")),
    "audit": ("tenant_id", ("SELECT", "INSERT")),
    "users": ("", ()),
    "plans": ("", ("SELECT",)),
    "edges": ("", ("SELECT",)),
    "route_table": ("", ("SELECT", "INSERT", "UPDATE")),
    "route_changes": ("", ("INSERT",)),
}


def upgrade() -> None:
    for table, parents in _OF_TENANTS.items():
        protect(table, parents=parents)
    for table, (column, commands) in _OTHERS.items():
        protect(table, tenant_column=column, commands=commands)


def downgrade() -> None:
    for table in _OF_TENANTS:
        unprotect(table)
    for table, (_, commands) in _OTHERS.items():
        unprotect(table, commands=commands)
