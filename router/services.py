"""What the router works with, wired once in each process: nothing here opens a connection yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from router import call_quota
from router.call_quota import CallQuota
from router.identity import job_tokens, sign_on
from router.identity.sign_on import SignOnServices
from router.streams.events import ChangesLook, DeploymentLook
from router.streams.followers import Followers
from router.streams.replica_feeds import ReplicaFeeds
from router.streams.shared_figures import SharedFigures
from router.streams.shared_poll import SharedPolls
from router.usecases.finding import edge_ids
from router.usecases.overviews.recent import Recent
from router.usecases.streams.newest_rows import NewestRows
from slipway.adapters import vault
from slipway.adapters.agent.client import AgentClient
from slipway.adapters.dns.resolver import DnsResolver
from slipway.adapters.edge_client import EdgeClient
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.deployment_log import RedisDeploymentLog
from slipway.adapters.redis.edge_metrics import EdgeCounts
from slipway.adapters.redis.identity_changes import NewestChange
from slipway.adapters.redis.work_queue import WorkQueue
from slipway.adapters.vault import Vault
from slipway.core.access.stream_quota import StreamQuota
from slipway.db import Database
from slipway.domain.github.app import AppOfPlatform
from slipway.domain.preflight import Preflight
from slipway.ports.directory import Directory
from slipway.ports.dns import Resolver
from slipway.ports.identity import IdentityProvider
from slipway.ports.job_tokens import JobTokens
from slipway.ports.logs import DeploymentLog
from slipway.settings import OFF, Settings

PROOF_S = 2.0
"""For one record of a domain: somebody waits for the response, and asks again."""


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    db: Database
    redis: Redis
    queue: WorkQueue
    values: Vault
    """Seals variables and credentials."""
    hooks: Vault
    """Seals hooks' secrets."""
    certificates: Vault
    """Seals own certificates."""
    log: DeploymentLog
    agent: AgentClient
    followers: Followers
    feeds: ReplicaFeeds
    texts: CallQuota
    """Of responses that are a log's text."""
    downloads: CallQuota
    """Of backups."""
    heads: CallQuota
    """Of repositories that are asked for a branch."""
    job_tokens: JobTokens
    """CI jobs' own."""
    job_verifications: CallQuota
    """Of CI jobs' tokens."""
    resolver: Resolver
    """Asks for records of domains."""
    proofs: CallQuota
    """Of domains whose records are looked up."""
    preflight: Preflight
    """What keeps an authority from certifying a host."""
    edge: EdgeClient
    """Sends requests to apps as clients do."""
    tries: CallQuota
    """Of requests that people try at their apps."""
    terminals: CallQuota
    """Of programs that people run in replicas."""
    newest_change: NewestChange
    """Of anybody's session, token or role."""
    github: AppOfPlatform
    """The platform's GitHub App."""
    figures: SharedFigures
    """Of all pages that show what edges count."""
    newest_rows: NewestRows
    """Of tenants whose changes are followed."""
    identity: IdentityProvider | None = None
    """None: sign-on is off."""
    directory: Directory | None = None
    """Whom the identity provider knows; None: sign-on is off."""
    sign_on: SignOnServices | None = None
    """None: sign-on is off."""
    deployment_polls: SharedPolls[DeploymentLook] = field(default_factory=SharedPolls)
    """Of deployments that are followed, by tenant and number."""
    change_polls: SharedPolls[ChangesLook] = field(default_factory=SharedPolls)
    """Of tenants whose changes are followed, by number."""
    traffic: Recent[Any] = field(default_factory=Recent)
    """`overviews.recent_traffic.AppTraffic` by name, of a page of apps: by tenant and their names."""
    dashboards: Recent[Any] = field(default_factory=Recent)
    """`overviews.dashboard.Dashboard`, by tenant, period and app."""


def connect(settings: Settings) -> Services:
    """The services of one installation.

    Raises:
        SettingsError: a key file is missing.
    """
    database = Database(settings.database_url)
    redis = work_queue.connect(settings.redis_url)
    agent = AgentClient(settings.agent_socket, settings.agent_streams_socket)
    values = Vault(settings.key_dir / vault.VALUES)
    return Services(
        settings=settings,
        db=database,
        redis=redis,
        queue=WorkQueue(redis, job_timeout_s=settings.build_timeout_s),
        values=values,
        hooks=Vault(settings.key_dir / vault.HOOKS),
        certificates=Vault(settings.key_dir / vault.CERTIFICATES),
        log=RedisDeploymentLog(redis, settings.log_dir),
        agent=agent,
        followers=Followers(StreamQuota(settings.streams, settings.streams_per_tenant)),
        feeds=ReplicaFeeds(agent),
        texts=call_quota.of_texts(settings.web_threads),
        downloads=call_quota.of_downloads(),
        heads=call_quota.of_heads(),
        job_tokens=job_tokens.connect(settings),
        job_verifications=call_quota.of_job_verifications(),
        resolver=DnsResolver(settings.dns_resolvers, question_s=PROOF_S),
        proofs=call_quota.of_proofs(),
        preflight=Preflight.from_settings(settings),
        edge=EdgeClient(settings),
        tries=call_quota.of_tries(settings.web_threads),
        terminals=call_quota.of_terminals(),
        newest_change=NewestChange(redis),
        github=AppOfPlatform(database, settings, values),
        figures=SharedFigures(EdgeCounts(redis), lambda: edge_ids(database)),
        newest_rows=NewestRows(database),
        identity=_identity(settings),
        directory=_directory(settings),
        sign_on=sign_on.connect(settings, redis, database),
    )


def _identity(settings: Settings) -> IdentityProvider | None:
    if settings.keycloak == OFF:
        return None
    from slipway.adapters.keycloak import accounts  # noqa: PLC0415  costs memory, and is only needed with sign-on
    from slipway.adapters.keycloak.provider import Keycloak  # noqa: PLC0415

    return Keycloak(settings, accounts.routers_account(settings))


def _directory(settings: Settings) -> Directory | None:
    if settings.keycloak == OFF:
        return None
    from slipway.adapters.keycloak import accounts  # noqa: PLC0415  as above
    from slipway.adapters.keycloak.directory import KeycloakDirectory  # noqa: PLC0415

    return KeycloakDirectory(settings, accounts.routers_account(settings))
