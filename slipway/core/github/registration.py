"""The App as its owner registered it at GitHub."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway.core.github import addresses


@dataclass(frozen=True, slots=True)
class Registration:
    app_id: int
    api: str
    """The address of GitHub's API."""
    slug: str
    client_id: str
    client_secret: str = field(repr=False)
    key: str = field(repr=False)
    """The private key, PEM."""

    @property
    def web_url(self) -> str:
        """GitHub's own address."""
        return addresses.web_url(self.api)

    @property
    def install_url(self) -> str:
        return f"{self.web_url}/apps/{self.slug}/installations/new"

    def settings_url(self, installation_id: int) -> str:
        """Where an account's owner chooses its repositories."""
        return f"{self.web_url}/settings/installations/{installation_id}"
