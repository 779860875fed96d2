"""The role that the services work as on PostgreSQL, where another one owns the tables: it reads and writes rows, and
can change neither tables nor policies."""

from __future__ import annotations

from typing import Any

from psycopg import errors, sql
from sqlalchemy import Engine, make_url

from slipway.errors import SettingsError

_ROWS = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
_GRANTS = (
    f"GRANT {_ROWS} TO {{}}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {}",
)


def prepare(engine: Engine, service_url: str) -> str:
    """Make the role that `service_url` names where it is missing, give it what services need, and return its name.

    Raises:
        SettingsError: it is missing, and the tables' owner may not make roles.
    """
    url = make_url(service_url)
    role = url.username or ""
    with engine.connect() as connection, connection.begin():
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101
        if not _exists(driver, role):
            _create(driver, role, url.password)
        for words in _GRANTS:
            driver.execute(sql.SQL(words).format(sql.Identifier(role)))
    return role


def _exists(driver: Any, role: str) -> bool:
    return driver.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _create(driver: Any, role: str, password: Any) -> None:
    words = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(sql.Identifier(role))
    if password:  # as a verifier: the server may log statements
        verifier = driver.pgconn.encrypt_password(str(password).encode(), role.encode(), b"scram-sha-256")
        words += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier.decode()))
    try:
        driver.execute(words)
    except errors.InsufficientPrivilege:
        raise SettingsError(
            f"PostgreSQL has no role {role!r}, and the owner of the tables may not create it",
            remedy=f"as a superuser of PostgreSQL: CREATE ROLE {role} LOGIN PASSWORD '…'; then: make up",
        ) from None
