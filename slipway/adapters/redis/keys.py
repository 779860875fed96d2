"""The name of every Redis key and channel that Python reads or writes, in one place.

The edges' side of the same names is in nginx/lua; docs/reference/edge-protocol.md and the pages beside it describe what
each key holds. A test compares the three. RQ's own keys are RQ's business.
"""

from __future__ import annotations

import hashlib

ROUTES_META = "slipway:routes:meta"
ROUTES_TABLE = "slipway:routes:table"
ROUTES_DELTAS = "slipway:routes:deltas"

CONFIRMED = "slipway:edges:confirmed"
"""A hash by edge; also the channel on which an edge says that it confirmed something."""
LOAD = "slipway:load"

USAGE = "slipway:usage"
"""A stream: what apps used, as edges tell it."""

LIMIT_STATE = "slipway:limits:state"
"""What callers used of each limit; the edges' alone, but for the name."""
LIMIT_TOKENS = "slipway:limits:tokens"
"""A hash: which tokens are callers of their own to limits."""

IDENTITY_CHANGES = "slipway:identity:changes"
"""A stream, for all edges: whose verdicts are no longer true."""
IDENTITY_POSITION = "slipway:identity:position"
"""How far the identity provider's own events have been followed."""
STALE_PEOPLE = "slipway:identity:stale"
"""Since when what sessions hold of anybody is out of date (Unix milliseconds)."""

WAKE = "slipway:wake"
"""The channel that wakes the agent. An edge publishes `<app>`: a request waits for that app. The other processes
publish `changed <app>`: its desired state changed."""


def acme_challenge(token: str) -> str:
    """What an edge answers to an authority that asks for this token: `<host> <key authorization>`."""
    return f"slipway:acme:challenges:{token}"


ACME_DNS = "slipway:acme:dns"
"""A hash: the TXT records that the responder has in the platform's zone for challenges."""


def replica_metrics(edge: str) -> str:
    """What an edge counted of each replica (docs/reference/edge-metrics.md)."""
    return f"slipway:edges:replicas:{edge}"


WATCHED = "slipway:edges:watched"
"""Exists while somebody follows figures: edges report them more often then."""


def inflight(edge: str) -> str:
    """What an edge has under way to each target."""
    return f"slipway:edges:inflight:{edge}"


def metrics(edge: str) -> str:
    """An edge's counts of the traffic by app."""
    return f"slipway:edges:metrics:{edge}"


def awaited(app: int | str) -> str:
    """Exists for as long as a request waits for the app at an edge."""
    return f"{WAKE}:{app}"


def awaited_app(key: str) -> str:
    """The app of an `awaited` key."""
    return key.removeprefix(f"{WAKE}:")


def log(deployment_id: int) -> str:
    """The live lines of a deployment's log."""
    return f"slipway:log:{deployment_id}"


def limit_refusals(app: int | str, hour: int) -> str:
    """Which callers limits of the app refused most, in one hour since 1970."""
    return f"slipway:limits:hits:{app}:{hour}"


def stale_person(sub: str) -> str:
    """Since when what sessions hold of a person is out of date (Unix milliseconds)."""
    return f"slipway:identity:stale:{digest('sub', sub)}"


def changing_people(tenant_id: int) -> str:
    """The lock of whoever changes the roles of a tenant's people."""
    return f"slipway:identity:people:{tenant_id}"


def chosen_tenant(sub: str) -> str:
    """The tenant that a person of several works in."""
    return f"slipway:identity:tenant:{digest('sub', sub)}"


def used_logout_token(jti: str) -> str:
    """Exists when a logout token has been used."""
    return f"slipway:identity:logout:{digest('jti', jti)}"


def session(session_id: str) -> str:
    """A session of the console's host, sealed."""
    return f"slipway:sessions:{session_id}"


def sessions_of_person(sub: str) -> str:
    """The ids of a person's sessions."""
    return f"slipway:sessions:of:{digest('sub', sub)}"


def sessions_at_provider(sid: str) -> str:
    """The ids of the sessions that belong to one session at the identity provider."""
    return f"slipway:sessions:at:{digest('sid', sid)}"


def ended_at_provider(sid: str) -> str:
    """Exists when that session at the identity provider has ended: no session of ours may begin with it any more."""
    return f"slipway:sessions:ended:{digest('sid', sid)}"


def session_refresh(session_id: str) -> str:
    """The lock of whoever refreshes a session's tokens."""
    return f"slipway:sessions:refreshing:{session_id}"


def token_session(session_id: str) -> str:
    """A session of the console's host that began with a token, sealed."""
    return f"slipway:sessions:token:{session_id}"


def console_link(link_id: str) -> str:
    """What a link that opens the console once is for, sealed."""
    return f"slipway:logins:link:{link_id}"


def app_session(session_id: str) -> str:
    """A session of one app's host, sealed."""
    return f"slipway:sessions:app:{session_id}"


def login(login_id: str) -> str:
    """A login that waits for the browser to come back from the identity provider, sealed."""
    return f"slipway:logins:{login_id}"


def app_login(login_id: str) -> str:
    """A login that began on an app's host, sealed."""
    return f"slipway:logins:app:{login_id}"


def login_code(code_id: str) -> str:
    """What a one-time code is for, sealed."""
    return f"slipway:logins:code:{code_id}"


def begun_logins(kind: str, caller: str) -> str:
    """How many logins a caller, or all of them, began within a minute."""
    return f"slipway:logins:begun:{kind}:{caller}"


def digest(kind: str, name: str) -> str:
    """Of a name that is not Slipway's own: it may hold any character, and Redis need not know it."""
    return hashlib.sha256(f"{kind}{name}".encode(errors="surrogatepass")).hexdigest()
