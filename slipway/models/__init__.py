"""The tables. SQL is the truth of everything but sessions, limits' counters and what runs."""

from slipway.models.apps import App, Domain, Hook, HookSecret, Scale, Variable, Volume
from slipway.models.base import TO_CHANGE, Base, TenantOwned, now
from slipway.models.deployments import Build, Delivery, Deployment, Release, cancelled_unbegun
from slipway.models.publishing import PublishToken, SpentJobToken, TrustedPublisher
from slipway.models.tenancy import AuditRecord, Invitation, Tenant, Token, User
from slipway.models.traffic import Address, Edge, Replica, RouteChange, RouteTable, Target

__all__ = [
    "TO_CHANGE",
    "Address",
    "App",
    "AuditRecord",
    "Base",
    "Build",
    "Delivery",
    "Deployment",
    "Domain",
    "Edge",
    "Hook",
    "HookSecret",
    "Invitation",
    "PublishToken",
    "Release",
    "Replica",
    "RouteChange",
    "RouteTable",
    "Scale",
    "SpentJobToken",
    "Target",
    "Tenant",
    "TenantOwned",
    "Token",
    "TrustedPublisher",
    "User",
    "Variable",
    "Volume",
    "cancelled_unbegun",
    "now",
]
