"""The audit log: who changed what, when, from where. Written in the transaction of the change itself.

It is written for people. No decision of the platform reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from slipway.models import AuditRecord

_RECORD = insert(AuditRecord)
_LENGTH = 255


class Action(StrEnum):
    """Everything that is recorded, as `<noun>.<verb>`: the whole vocabulary of the log. Beside each stand the record's
    subject and what is in its detail."""

    TENANT_CREATE = "tenant.create"
    """The tenant."""
    TOKEN_CREATE = "token.create"  # noqa: S105
    """The token's name; `role`, `hint`."""
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    """The token's name; `hint`."""
    PUBLISHER_ADD = "publisher.add"
    """The app; `publisher`, `kind`, `issuer`, `constraints`."""
    PUBLISHER_REMOVE = "publisher.remove"
    """The app; `publisher`, `kind`, `issuer`, `constraints`."""
    PUBLISH_EXCHANGE = "publish.exchange"
    """The app, for which a CI job got a token; `publisher`, `issuer`, and what was `pinned` by it."""
    PUBLISH_REFUSE = "publish.refuse"
    """The app that a CI job wanted to deploy; `why` it got no token. A bounded number is recorded each minute."""
    APP_CREATE = "app.create"
    """The app; `host`."""
    APP_CHANGE = "app.change"
    """The app; `fields` that were given, and the `settings` whose values differ."""
    APP_SCALE = "app.scale"
    """The app; `process`, `replicas`."""
    APP_DELETE = "app.delete"
    """The app; the `volumes` that are removed with it."""
    VARIABLES_CHANGE = "variables.change"
    """The app; `names` (never values), `scope`."""
    VARIABLE_REVEAL = "variable.reveal"
    """The app, of which somebody saw a value at the console; `name`, `scope`."""
    DOMAIN_ADD = "domain.add"
    """The host; `app`, and `redirect_to` where it redirects."""
    DOMAIN_REMOVE = "domain.remove"
    """The host; `app`."""
    DOMAIN_LOSE = "domain.lose"
    """The host, which somebody else proved to hold; `app`."""
    CERTIFICATE_ADD = "certificate.add"
    """The host, for which somebody gave a certificate; `app`, `serial`, `not_after`."""
    CERTIFICATE_REMOVE = "certificate.remove"
    """The host, which goes back to the authority's; `app`."""
    HOOK_CREATE = "hook.create"
    """The hook's id; `repository`."""
    HOOK_ROTATE = "hook.rotate"
    """The hook's id."""
    HOOK_DELETE = "hook.delete"
    """The hook's id; `repository`."""
    GITHUB_REGISTER = "github.register"
    """The GitHub App's name; `app_id`, and the `api` of the GitHub that has it."""
    GITHUB_CONNECT = "github.connect"
    """The account at GitHub whose installation the tenant has connected; `installation`, and the `login` of who did."""
    GITHUB_DISCONNECT = "github.disconnect"
    """The account at GitHub; `installation`."""
    DEPLOYMENT_CREATE = "deployment.create"
    """The app; `deployment`. Of a push also `commit`, and `delivery` when one reported it."""
    DEPLOYMENT_PROMOTE = "deployment.promote"
    """The app that gets another one's image; `deployment`, the `source` app and its `release`."""
    DEPLOYMENT_ROLLBACK = "deployment.rollback"
    """The app; `deployment`."""
    DEPLOYMENT_CANCEL = "deployment.cancel"
    """The app; `deployment`."""
    PREVIEW_APPROVE = "preview.approve"
    """The app; `pull_request`, and the `commit` of a fork that somebody lets run."""
    PREVIEW_REMOVE = "preview.remove"
    """The app; `pull_request`."""
    RUN_CREATE = "run.create"
    """The app; the `run`, its `command` (the beginning of its words) and `process`, and its job of `cron`."""
    RUN_CANCEL = "run.cancel"
    """The app; the `run`."""
    TERMINAL_OPEN = "terminal.open"
    """The app; the `replica` in which somebody ran a `command` (the beginning of its words), in a `terminal` or not."""
    TERMINAL_CLOSE = "terminal.close"
    """The app; the `replica`, and for how many `seconds`."""
    SERVICE_CREATE = "service.create"
    """The service; its `kind` and `version`."""
    SERVICE_CHANGE = "service.change"
    """The service; the `schedule` of its backups, and `backups_kept`."""
    SERVICE_ATTACH = "service.attach"
    """The service; the `app` that uses it from now on, by which `variable`."""
    SERVICE_DETACH = "service.detach"
    """The service; the `app` that uses it no longer, and the `variable` that it had."""
    SERVICE_ROTATE = "service.rotate"
    """The service, which gets another password."""
    SERVICE_REMOVE = "service.remove"
    """The service; the `volumes` and how many `backups` are removed with it."""
    BACKUP_CREATE = "backup.create"
    """The service; the `backup`."""
    BACKUP_RESTORE = "backup.restore"
    """The service; the `backup` that takes the place of its data."""
    BACKUP_DOWNLOAD = "backup.download"
    """The service; the `backup` whose content somebody got."""
    LIMIT_CHANGE = "limit.change"
    """The limit, which was set or removed; `app`, where it is an app's."""
    PLAN_CHANGE = "plan.change"
    """The plan, which was made or changed; the `quotas` that it says now, or the `limit` that was set or removed."""
    PLAN_REMOVE = "plan.remove"
    """The plan."""
    PLAN_ASSIGN = "plan.assign"
    """The tenant; its `plan` from now on."""
    QUOTA_CHANGE = "quota.change"
    """The tenant; the `quotas` that differ from its plan's now."""
    ACCESS_CHANGE = "access.change"
    """The app; `allow` and `paths`, as its settings say them now."""
    VOLUME_REMOVE = "volume.remove"
    """The volume; `app`, `environment`, `path`."""
    IDENTITY_SYNC = "identity.sync"
    """The identity provider; what was `repaired`."""
    SESSION_BEGIN = "session.begin"
    """The person's login; `sub`, `session_id`, and the `app` host for which they signed in, if it was one."""
    SESSION_REFUSE = "session.refuse"
    """What was asked for; `why` nobody was let in. Of strangers a bounded number is recorded each minute."""
    SESSION_END = "session.end"
    """The person's login; `sub`, `session_id`, and `by` what it ended. Ended by the identity provider: its `sub`
    or `sid`, and how `many` sessions. Ended by an owner of a tenant: also how `many` of the platform's own."""
    PEOPLE_IMPORT = "people.import"
    """The identity provider; how many lines had each outcome, and the first and last line `created`."""
    PERSON_ROLE = "person.role"
    """The person's login; the `role` that they have in the tenant now, and the one `before`; empty: none."""
    PERSON_CREATE = "person.create"
    """The login of an account that was made by an invitation; the `invitation`."""
    INVITATION_CREATE = "invitation.create"
    """The e-mail address; the `invitation`, the `role` that it gives."""
    INVITATION_REVOKE = "invitation.revoke"
    """The e-mail address; the `invitation`, and `by` a newer one where that replaced it."""
    INVITATION_ACCEPT = "invitation.accept"
    """The login of who accepted; the `invitation`, its `role`, the `email` it was meant for, and its `inviter`."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `token:<name>`, `hook:<id>`, `host` or `platform: <reason>`; from which address, in which request."""

    name: str
    address: str = ""
    request_id: str = ""


HOST = Actor("host")
"""The command line on the host itself."""
MISSED_PUSH = Actor("platform: missed push")
"""The agent, which compared a branch's head with what was deployed."""
PULL_REQUEST = Actor("platform: pull request")
"""The agent, which makes and removes previews."""
DOMAIN_PROOF = Actor("platform: proof of a domain")
"""Somebody else set the TXT record of a domain."""


def record(session: Session, tenant_id: int | None, actor: Actor, action: Action, subject: str, **detail: Any) -> None:
    """Add one record. No secret belongs in `detail`."""
    row = {
        "tenant_id": tenant_id,
        "actor": actor.name[:_LENGTH],
        "action": str(Action(action)),
        "subject": subject[:_LENGTH],
        "address": actor.address,
        "request_id": actor.request_id,
        "detail": detail,
    }
    session.connection().execute(_RECORD, row)  # without the ORM: each delivery of a push writes one
