"""The verdict on one caller of an app, as the edge remembers it for some seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from router.identity.sign_on import SignOnServices
from router.internal import callers
from router.internal.callers import KnownCaller, Why
from router.internal.questions import Question
from router.services import Services
from slipway.core.access.policies import allows
from slipway.core.identity.wanted_realm import TENANTS

if TYPE_CHECKING:
    from slipway.adapters.identity_key import IdentityKey

LASTS_S = 10
GROUPS_MAX_BYTES = 4096
"""Of all groups' names together: they stand in two headers, and apps' servers refuse more than 8 or 16 KB of those."""
IDENTITY_LASTS_S = 60
"""How long an app may take `X-Slipway-Identity` for true, in seconds."""


def authorize(services: Services, sign_on: SignOnServices, question: Question) -> dict[str, Any]:
    """Raises `DependencyUnavailable` where it can't be found out who calls."""
    found = callers.find(services, sign_on, question)
    if isinstance(found, Why):
        return {"known": False, "why": str(found), "lasts_s": LASTS_S}
    groups = groups_shown(found.groups, question.tenant)
    return {
        "known": True,
        "kind": str(found.kind),
        "allows": [allows(policy, found.caller, question.tenant) for policy in question.policies],
        "subjects": list(found.subjects),
        "user": found.name,
        "id": found.id,
        "email": found.email,
        "groups": groups,
        "identity": _signed(sign_on.identity_key, services.settings.public_url, question, found, groups),
        "expires_at": found.expires_at,
        "lasts_s": LASTS_S,
    }


def groups_shown(groups: Iterable[str], tenant: str) -> list[str]:
    """What an app of this tenant may know: its own groups first, then those outside of all tenants. Not which other
    tenants there are, and who is in them. As many as headers have room for."""
    above, own = f"/{TENANTS}/", f"/{TENANTS}/{tenant}/"
    seen = [group for group in groups if f"{group}/".startswith(own) or not f"{group}/".startswith(above)]
    seen.sort(key=lambda group: not f"{group}/".startswith(own))
    lengths = accumulate(len(group.encode()) + 1 for group in seen)
    return [group for group, length in zip(seen, lengths, strict=True) if length <= GROUPS_MAX_BYTES]


def _signed(key: IdentityKey, issuer: str, question: Question, found: KnownCaller, groups: list[str]) -> str:
    """`X-Slipway-Identity`: docs/guide/identity-headers.md describes the claims."""
    issued_at = int(time.time())
    claims = {
        "iss": issuer,
        "aud": f"app:{question.tenant}/{question.app}",
        "sub": found.id,
        "kind": str(found.kind),
        "preferred_username": found.name,
        "groups": groups,
        "tenant": question.tenant,
        "role": str(found.tenants.get(question.tenant, "")),
        "iat": issued_at,
        "exp": issued_at + IDENTITY_LASTS_S,
    }
    return key.sign(claims | ({"email": found.email} if found.email else {}))
