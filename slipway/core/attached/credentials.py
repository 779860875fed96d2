"""What a service's texts are filled in with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from slipway.core.attached.kinds import DATABASE, USER, Kind, Step
from slipway.errors import Conflict

ADMIN_VARIABLE = "MYSQL_ROOT_PASSWORD"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Passwords are hexadecimal digits: they need no quotes in an address, in SQL or in a command."""

    host: str
    password: str
    admin_password: str = ""

    @classmethod
    def of(cls, kind: Kind, host: str, variables: Mapping[str, str]) -> Credentials:
        """As the service's own variables have them. Raises `Conflict` where these lack the password."""
        if kind.password_variable not in variables:
            raise Conflict(f"{host} has no {kind.password_variable}", remedy="remove the service, and make another one")
        return cls(host, variables[kind.password_variable], variables.get(ADMIN_VARIABLE, ""))

    def environment(self, kind: Kind) -> dict[str, str]:
        """The service's own variables."""
        return {name: self._filled(kind, text) for name, text in kind.environment.items()}

    def client_environment(self, kind: Kind) -> dict[str, str]:
        return {name: self._filled(kind, text) for name, text in kind.client_environment.items()}

    def url(self, kind: Kind) -> str:
        """What an app reaches the service by."""
        return self._filled(kind, kind.url)

    def renewing(self, kind: Kind, step: Step, new_password: str) -> Step:
        """The step that has the service take another password."""
        return replace(step, input=self._filled(kind, step.input, new_password=new_password))

    def _filled(self, kind: Kind, text: str, **more: str) -> str:
        return text.format(
            user=USER,
            database=DATABASE,
            host=self.host,
            port=kind.port,
            password=self.password,
            admin_password=self.admin_password,
            **more,
        )
