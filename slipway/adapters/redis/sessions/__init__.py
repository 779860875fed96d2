"""Who is signed in, and who is about to be. Redis may lose all of it at any time: people sign in again then."""

from slipway.adapters.redis.sessions.logins import AppLogins, Logins
from slipway.adapters.redis.sessions.records import AppLogin, AppSession, Session, Transaction
from slipway.adapters.redis.sessions.refreshing import CurrentSessions
from slipway.adapters.redis.sessions.sealing import Seals
from slipway.adapters.redis.sessions.store import Sessions
from slipway.adapters.redis.sessions.token_sessions import TokenSessions

__all__ = [
    "AppLogin",
    "AppLogins",
    "AppSession",
    "CurrentSessions",
    "Logins",
    "Seals",
    "Session",
    "Sessions",
    "TokenSessions",
    "Transaction",
]
