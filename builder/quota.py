"""What a tenant may use, asked before a worker spends time on a build. Each raises `DeploymentFailed`; the running
release stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from builder.attempt import Attempt
from slipway.core.app_settings.configuration import Defaults
from slipway.core.app_settings.model import overlay
from slipway.core.build import procfile
from slipway.domain.quota import enforcement
from slipway.errors import DeploymentFailed, QuotaExceeded
from slipway.models import App


def require_minutes(attempt: Attempt) -> None:
    """Are build minutes left this month?"""
    with _asked(attempt) as session:
        enforcement.require_build(session, attempt.work.tenant_id)


def require_settings(attempt: Attempt, file_settings: Mapping[str, Any], processes: Mapping[str, str]) -> None:
    """Will the release fit, as far as is known before the build? The agent asks again when it freezes the release."""
    work = attempt.work
    chosen = overlay(procfile.below(dict(work.settings), dict(processes)), dict(file_settings))
    with _asked(attempt) as session:
        app = session.get_one(App, work.app_id)
        defaults = Defaults.of(attempt.dependencies.settings)
        enforcement.require_settings(session, app, work.environment, chosen, defaults, lock=False)


@contextmanager
def _asked(attempt: Attempt) -> Iterator[Session]:
    try:
        with attempt.dependencies.db.read(tenant_id=attempt.work.tenant_id) as session:
            yield session
    except QuotaExceeded as error:
        raise DeploymentFailed(error.code, error.message, remedy=error.remedy) from None
