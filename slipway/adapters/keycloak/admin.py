"""Keycloak's admin API: signed in by a client's own account, with a deadline for each call and Slipway's errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from keycloak.exceptions import KeycloakConnectionError, KeycloakError
from requests import Response

from keycloak import KeycloakOpenIDConnection
from slipway.adapters.keycloak.accounts import Account
from slipway.errors import Conflict, DependencyUnavailable, IdentityRefused

TIMEOUT_S = 5
"""Of one call. The first set-up is given longer: Keycloak makes a realm in one transaction."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Keycloak says of a document that it did not take."""

    reason: str
    there: bool
    """It has such a thing already."""


class Admin:
    """The admin API of one Keycloak. Paths begin after `/admin/realms`."""

    def __init__(self, url: str, account: Account, timeout_s: int = TIMEOUT_S) -> None:
        self._url = url
        self._account = account
        # No retry: a POST whose answer was late may have been carried out.
        self._connection = KeycloakOpenIDConnection(
            server_url=f"{url}/",
            realm_name=account.realm,
            client_id=account.client,
            client_secret_key=account.secret,
            timeout=timeout_s,
            max_retries=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections: python-keycloak leaves them to the garbage collector."""
        for each in (self._connection, self._connection.keycloak_openid.connection):
            each._s.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._call("get", path, **query).json()

    def find(self, path: str) -> Any:
        """None where there is no such thing."""
        answer = self._call("get", path, accepted=(HTTPStatus.NOT_FOUND,))
        return None if answer.status_code == HTTPStatus.NOT_FOUND else answer.json()

    def all(self, path: str, **query: Any) -> Iterator[Any]:
        """Every element of a list, page by page."""
        first = 0
        while page := self.get(path, first=first, max=_PAGE, **query):
            yield from page
            first += len(page)

    def post(self, path: str, document: Any) -> str:
        """The id of what was made; empty where nothing has one."""
        answer = self._call("post", path, document)
        return str(answer.headers.get("Location", "")).rpartition("/")[2]

    def offer(self, path: str, document: Any) -> Refusal | None:
        """POST something that Keycloak may have already, or not take as it is; the refusal, where it is one."""
        expected = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)
        answer = self._call("post", path, document, accepted=expected)
        refused = answer.status_code in expected
        return Refusal(_reason(answer), there=answer.status_code == HTTPStatus.CONFLICT) if refused else None

    def put(self, path: str, document: Any) -> None:
        self._call("put", path, document)

    def delete(self, path: str) -> None:
        self._call("delete", path)

    def discard(self, path: str) -> None:
        """Delete what may be gone already."""
        self._call("delete", path, accepted=(HTTPStatus.NOT_FOUND,))

    def _call(
        self, method: str, path: str, document: Any = None, accepted: tuple[int, ...] = (), **query: Any
    ) -> Response:
        sent = {} if document is None else {"data": json.dumps(document)}
        ask = getattr(self._connection, f"raw_{method}")
        try:
            answer: Response = ask(f"admin/realms{path}", **sent, **query)
        except KeycloakConnectionError as error:
            raise DependencyUnavailable(
                f"Keycloak does not answer at {self._url}.", remedy="see whether it runs: make status"
            ) from error
        except KeycloakError as error:  # of the sign-in: answers of the API itself are looked at below
            raise self._not_signed_in(error) from error
        if answer.status_code >= HTTPStatus.BAD_REQUEST and answer.status_code not in accepted:
            raise self._failure(answer, f"{method.upper()} {path}")
        return answer

    def _not_signed_in(self, error: KeycloakError) -> Exception:
        if (error.response_code or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return DependencyUnavailable(f"Keycloak at {self._url} can't sign anybody in now.", remedy="try again")
        account = self._account
        return IdentityRefused(
            f"Keycloak at {self._url} does not accept the client {account.client} of the realm {account.realm}.",
            remedy=f"its secret is in {account.kept_in}: it has to be the one that Keycloak has",
        )

    def _failure(self, answer: Response, what: str) -> Exception:
        status, account = answer.status_code, self._account
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return IdentityRefused(
                f"Keycloak does not let the client {account.client} do this: {what}.",
                remedy="its service account needs the roles that docs/guide/sign-on.md lists",
            )
        if status == HTTPStatus.CONFLICT:
            return Conflict(f"Keycloak has it already: {what}.", remedy="somebody else changes it now: try again")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return DependencyUnavailable(f"Keycloak answered {status}: {what}.", remedy="see its log, then try again")
        return IdentityRefused(f"Keycloak answered {status} to {what}: {answer.text[:300]}", remedy="see its log")


def _reason(answer: Response) -> str:
    """Each message once, with the field that it is about."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text[:300]
    errors = (said.get("errors") or [said]) if isinstance(said, dict) else []
    texts = [f"{each.get('field') or ''} {each.get('errorMessage') or each.get('error') or ''}" for each in errors]
    return ", ".join(dict.fromkeys(text.strip() for text in texts))[:300]
