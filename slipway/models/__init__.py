"""The tables. SQL is the truth of everything but sessions, limits' counters and what runs."""

from slipway.models.apps import App, Domain, FormerDomain, Hook, HookSecret, Scale, Variable, Volume
from slipway.models.attached import AttachedService, ServiceAttachment, ServiceTask
from slipway.models.base import TO_CHANGE, Base, TenantOwned, now
from slipway.models.certificates import Certificate, CertificateIssuance, OwnCertificate
from slipway.models.deployments import Build, BuildTime, Delivery, Deployment, Release, cancelled_unbegun
from slipway.models.forges import GitHubApp, GitHubInstallation, GitHubReport, Preview
from slipway.models.publishing import PublishToken, SpentJobToken, TrustedPublisher
from slipway.models.runs import Run
from slipway.models.tenancy import AuditRecord, Invitation, Plan, Tenant, Token, User
from slipway.models.traffic import Address, Edge, Replica, RouteChange, RouteTable, Target
from slipway.models.tried_requests import TriedRequest
from slipway.models.usage import (
    UsageDay,
    UsageGap,
    UsageHour,
    UsageMeter,
    UsageMinute,
    UsagePosition,
    UsageSubject,
)

__all__ = [
    "TO_CHANGE",
    "Address",
    "App",
    "AttachedService",
    "AuditRecord",
    "Base",
    "Build",
    "BuildTime",
    "Certificate",
    "CertificateIssuance",
    "Delivery",
    "Deployment",
    "Domain",
    "Edge",
    "FormerDomain",
    "GitHubApp",
    "GitHubInstallation",
    "GitHubReport",
    "Hook",
    "HookSecret",
    "Invitation",
    "OwnCertificate",
    "Plan",
    "Preview",
    "PublishToken",
    "Release",
    "Replica",
    "RouteChange",
    "RouteTable",
    "Run",
    "Scale",
    "ServiceAttachment",
    "ServiceTask",
    "SpentJobToken",
    "Target",
    "Tenant",
    "TenantOwned",
    "Token",
    "TriedRequest",
    "TrustedPublisher",
    "UsageDay",
    "UsageGap",
    "UsageHour",
    "UsageMeter",
    "UsageMinute",
    "UsagePosition",
    "UsageSubject",
    "User",
    "Variable",
    "Volume",
    "cancelled_unbegun",
    "now",
]
