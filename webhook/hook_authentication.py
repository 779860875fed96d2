"""Who may deliver: whoever signed the delivery with one of its hook's secrets."""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from slipway.adapters.vault import SealBroken, Vault
from slipway.core.push.signatures import Presented
from slipway.db import Database
from slipway.errors import NotAuthenticated
from slipway.models import Hook, HookSecret, now

log = logging.getLogger(__name__)

_HOOK_ID = re.compile(r"[A-Za-z0-9_-]{1,43}")
# Built once, and run without the ORM: what comes before and after a statement takes longer than the statement.
_HOOKS, _HOOK_SECRETS = Hook.__table__, HookSecret.__table__
_SECRETS = (
    select(_HOOKS.c.tenant_id, _HOOKS.c.repository_identity, _HOOK_SECRETS.c.sealed, _HOOK_SECRETS.c.expires_at)
    .select_from(_HOOKS.outerjoin(_HOOK_SECRETS, _HOOK_SECRETS.c.hook_id == _HOOKS.c.id))
    .where(_HOOKS.c.id == bindparam("hook_id"))
)
_NO_HOOK = "-"  # a hook's id is random characters: this one is never given


@dataclass(frozen=True, slots=True)
class AuthenticatedHook:
    """A hook whose secret the sender knows."""

    id: str
    tenant_id: int
    repository_identity: str


class HookAuthenticator:
    """Authenticates signed deliveries. Everyone else gets the same refusal, after the same work."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._nobodys_secret = vault.seal(secrets.token_urlsafe(32), "nobody")

    def authenticate(self, hook_id: str, presented: Presented) -> AuthenticatedHook:
        """The hook, when its sender knows one of its secrets that are valid now.

        Raises:
            NotAuthenticated: no such hook, or the proof is missing, malformed or wrong: indistinguishable.
        """
        hook, sealed = self._look_up(hook_id if _HOOK_ID.fullmatch(hook_id) else _NO_HOOK)
        if hook is None:
            presented.proves([self._vault.open(self._nobodys_secret, "nobody")])
            raise refusal("unknown hook")
        if not presented.proves(self._opened(hook, sealed)):
            raise refusal("wrong signature" if presented.value else "no signature")
        return hook

    def _look_up(self, hook_id: str) -> tuple[AuthenticatedHook | None, list[str]]:
        with self._database.read(platform="a delivery names its hook") as session:
            rows = session.connection().execute(_SECRETS, {"hook_id": hook_id}).all()
        if not rows:
            return None, []
        moment = now()
        valid = [row.sealed for row in rows if row.sealed and (row.expires_at is None or row.expires_at > moment)]
        return AuthenticatedHook(hook_id, rows[0].tenant_id, rows[0].repository_identity), valid

    def _opened(self, hook: AuthenticatedHook, sealed: list[str]) -> list[str]:
        opened = []
        for each in sealed:
            try:
                opened.append(self._vault.open(each, hook.tenant_id, hook.id))
            except SealBroken as error:
                log.error("a hook's secret does not open", extra={"why": error.message, "remedy": error.remedy})  # noqa: TRY400
        return opened


def refusal(why: str) -> NotAuthenticated:
    """The one refusal of every sender that is not authenticated. `why` goes to the log only."""
    log.warning("delivery not authenticated", extra={"why": why})
    return NotAuthenticated(
        "The signature does not fit this address.",
        remedy="compare the webhook's address and secret at the sender with those of: slipway hooks",
    )
