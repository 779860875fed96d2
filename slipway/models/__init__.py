"""The tables. SQL is the truth of everything but sessions, limits' counters and what runs."""

from slipway.models.apps import App, Domain, FormerDomain, Hook, HookSecret, Scale, Variable, Volume
from slipway.models.base import TO_CHANGE, Base, TenantOwned, now
from slipway.models.certificates import Certificate, CertificateIssuance
from slipway.models.deployments import Build, Delivery, Deployment, Release, cancelled_unbegun
from slipway.models.tenancy import AuditRecord, Tenant, Token, User
from slipway.models.traffic import Address, Edge, Replica, RouteChange, RouteTable, Target

__all__ = [
    "TO_CHANGE",
    "Address",
    "App",
    "AuditRecord",
    "Base",
    "Build",
    "Certificate",
    "CertificateIssuance",
    "Delivery",
    "Deployment",
    "Domain",
    "Edge",
    "FormerDomain",
    "Hook",
    "HookSecret",
    "Release",
    "Replica",
    "RouteChange",
    "RouteTable",
    "Scale",
    "Target",
    "Tenant",
    "TenantOwned",
    "Token",
    "User",
    "Variable",
    "Volume",
    "cancelled_unbegun",
    "now",
]
