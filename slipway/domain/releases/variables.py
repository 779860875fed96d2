"""The variables of a release, in clear."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.adapters.vault import Vault
from slipway.core.app_settings.configuration import PRODUCTION
from slipway.core.text.secret_values import secret_values
from slipway.errors import SlipwayError
from slipway.models import App, Release


def place_of(app: App, name: str, environment: str = PRODUCTION) -> tuple[object, ...]:
    """What the value of an app's variable is sealed for."""
    return app.tenant_id, app.id, environment, name


def open_variables(vault: Vault, release: Release) -> dict[str, str]:
    """Raises `SealBroken` when one can't be opened."""
    where = (release.tenant_id, release.app_id, release.environment)
    sealed: Mapping[str, str] = release.configuration.get("variables", {})
    return {name: vault.open(value, *where, name) for name, value in sealed.items()}


def secrets_of(vault: Vault, release: Release) -> tuple[str, ...]:
    """The values to be masked; none where they can't be opened: no container ever got them."""
    try:
        variables = open_variables(vault, release)
    except SlipwayError:
        return ()
    return secret_values(variables, release.configuration.get("secret_names", ()))
