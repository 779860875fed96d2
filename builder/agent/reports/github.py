"""Reports deployments to GitHub by the platform's App: a GitHub Deployment, its statuses, and a check of the commit.

What GitHub has of a deployment stands in a row, written as soon as GitHub has made it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.adapters.github.api import GitHubApi
from slipway.adapters.github.app_tokens import InstallationTokens
from slipway.adapters.github.deployment_reports import DeploymentReports
from slipway.core.app_settings.configuration import WEB
from slipway.core.deployment.states import State
from slipway.core.github import addresses
from slipway.core.github.manifest import Purpose
from slipway.core.github.reports import DeploymentReport
from slipway.db import Database
from slipway.domain.certificates.host_addresses import addresses_of
from slipway.domain.github import installations
from slipway.domain.github.app import AppOfPlatform
from slipway.errors import DependencyUnavailable, GitHubRefused, SettingsError
from slipway.models import App, Deployment, Domain, GitHubReport, Tenant
from slipway.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AtGitHub:
    """What GitHub has of a deployment already."""

    deployment: int | None = None
    check: int | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A deployment, where it is reported to, and what GitHub has of it."""

    tenant_id: int
    owner: str
    name: str
    connected: frozenset[int]
    report: DeploymentReport
    at_github: AtGitHub


class GitHubReporting:
    """Reports one deployment at a time, as it is now."""

    def __init__(self, db: Database, app: AppOfPlatform, settings: Settings) -> None:
        self._db = db
        self._app = app
        self._settings = settings

    def send(self, deployment_id: int, tenant_id: int, *, is_wanted: bool, has_check: bool) -> bool:
        """Report how the deployment is now, and wait for the answers. False: the App does not serve its repository, so
        that it gets a commit status instead.

        Args:
            is_wanted: report it even when GitHub has nothing of it yet.
            has_check: its state says something of the commit.

        Raises:
            DependencyUnavailable: GitHub does not answer, or asks to try again later.
        """
        tokens, registration = self._app.tokens, self._app.registration
        if tokens is None or registration is None:
            return False
        found = self._load(deployment_id, tenant_id, registration.api)
        if found is None:
            return False
        if found.at_github == AtGitHub() and not is_wanted:
            return True
        try:
            token = tokens.token(found.owner, found.name, Purpose.REPORT, found.connected)
        except (GitHubRefused, SettingsError) as error:
            log.info("no report by the GitHub App", extra={"deployment": deployment_id, "why": error.message})
            return False
        self._report(found, tokens, token, GitHubApi(registration.api), has_check=has_check)
        return True

    def _report(
        self, found: Reported, tokens: InstallationTokens, token: str, api: GitHubApi, *, has_check: bool
    ) -> None:
        """Both are tried: a refusal of one, which is given up, does not keep the other from being reported."""
        reports = DeploymentReports(api, found.owner, found.name, token)
        self._try(found, tokens, token, lambda: self._report_deployment(found, reports))
        if has_check or found.at_github.check is not None:
            self._try(found, tokens, token, lambda: self._report_check(found, reports))
        self._keep(found, serves=found.report.state is State.LIVE)

    def _try(self, found: Reported, tokens: InstallationTokens, token: str, do: Callable[[], None]) -> None:
        try:
            do()
        except GitHubRefused as error:
            if error.details.get("answered") == HTTPStatus.UNAUTHORIZED:
                tokens.forget(token)
                raise DependencyUnavailable("GitHub takes the installation's token no more.") from error
            detail = {"deployment": found.report.deployment_id, "repository": f"{found.owner}/{found.name}"}
            log.warning("GitHub refuses a report", extra=detail | {"why": error.message})

    def _report_deployment(self, found: Reported, reports: DeploymentReports) -> None:
        number = found.at_github.deployment
        if number is None:
            number = reports.find_or_make_deployment(found.report)
            self._keep(found, github_deployment_id=number)
        reports.set_status(number, found.report)

    def _report_check(self, found: Reported, reports: DeploymentReports) -> None:
        if found.at_github.check is None:
            self._keep(found, check_run_id=reports.find_or_make_check(found.report))
        else:
            reports.change_check(found.at_github.check, found.report)

    def _keep(self, found: Reported, **values: int) -> None:
        """Nothing, when the deployment was deleted meanwhile with its app."""
        deployment_id = found.report.deployment_id
        with self._db.write(tenant_id=found.tenant_id) as session:
            if session.get(Deployment, deployment_id) is None:
                return
            row = session.get(GitHubReport, deployment_id)
            if row is None:
                row = GitHubReport(
                    tenant_id=found.tenant_id, deployment_id=deployment_id, repository=f"{found.owner}/{found.name}"
                )
                session.add(row)
            for name, value in values.items():
                setattr(row, name, value)

    def _load(self, deployment_id: int, tenant_id: int, api: str) -> Reported | None:
        """None: the tenant has connected nothing, or its repository is elsewhere."""
        with self._db.read(tenant_id=tenant_id) as session:
            connected = installations.connected_ids(session, tenant_id)
            row = session.get(Deployment, deployment_id) if connected else None
            app = session.get(App, row.app_id) if row is not None else None
            if row is None or app is None or not row.commit_sha:
                return None
            kept = session.get(GitHubReport, deployment_id)
            where = _kept_at(kept) or addresses.repository_at(api, app.repository_identity)
            if where is None:
                return None
            at_github = AtGitHub(kept.github_deployment_id, kept.check_run_id) if kept else AtGitHub()
            return Reported(tenant_id, *where, connected, self._described(session, row, app), at_github)

    def _described(self, session: Session, row: Deployment, app: App) -> DeploymentReport:
        return DeploymentReport(
            deployment_id=row.id,
            tenant=session.get_one(Tenant, row.tenant_id).name,
            app=app.name,
            commit_sha=row.commit_sha,
            state=State(row.state),
            detail=row.detail,
            remedy=row.remedy,
            log_url=f"{self._settings.public_url.rstrip('/')}/deployments/{row.id}",
            environment_url=self._address(session, row),
            is_transient=app.is_preview,
        )

    def _address(self, session: Session, row: Deployment) -> str:
        """Of the app's first host; empty: it has none."""
        query = select(Domain.host).filter_by(app_id=row.app_id, environment=row.environment, process=WEB)
        hosts = session.scalars(query.where(Domain.redirect_to.is_(None)).order_by(Domain.id))
        found = [host for host in hosts if not host.startswith("*")]
        return addresses_of(session, self._settings, found[:1])[found[0]] if found else ""


def _kept_at(kept: GitHubReport | None) -> tuple[str, str] | None:
    """Where GitHub has it, though the app may have another repository by now."""
    if kept is None:
        return None
    owner, _, name = kept.repository.partition("/")
    return owner, name
