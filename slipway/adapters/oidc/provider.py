"""One OpenID provider: its metadata and keys, fetched when they are needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import httpx
from joserfc.jwk import ECKey, RSAKey

from slipway.adapters.oidc import keys, metadata, signed_tokens
from slipway.adapters.oidc.bounded_http import BoundedHttp
from slipway.adapters.oidc.cached_document import CachedDocument
from slipway.adapters.oidc.keys import Keys
from slipway.adapters.oidc.metadata import Metadata
from slipway.adapters.oidc.signed_tokens import SignedToken
from slipway.adapters.oidc.strict_json import parse_object
from slipway.errors import DependencyUnavailable, NotAuthenticated
from slipway.ports.clock import Clock

METADATA_FRESH_S, METADATA_USABLE_S = 3600.0, 24 * 3600.0
KEYS_FRESH_S, KEYS_USABLE_S = 600.0, 3600.0
"""A key that the provider withdrew is trusted no longer than the first; only while it can't be asked, than the
second."""
_REMEDY = "see whether it runs: make status"

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Address:
    """`issuer` is its name, which tokens carry; `url` is where this host reaches it, and mostly the same."""

    issuer: str
    url: str


class Gets(Protocol):
    def get(self, url: str) -> httpx.Response:
        """Raises `httpx.HTTPError` for everything that goes wrong."""
        ...


class Keyring:
    """The keys of an issuer, and whether it signed a token.

    Every method raises `DependencyUnavailable` when the provider does not answer, or with something else.
    """

    def __init__(
        self,
        address: Address,
        http: Gets,
        clock: Clock = time.monotonic,
        read_metadata: Callable[[Mapping[str, Any], str], Metadata] = metadata.read_of_issuer,
    ) -> None:
        self.address = address
        self._gets = http
        self._read_metadata = read_metadata
        self._metadata = CachedDocument(
            self._fetch_metadata, fresh_s=METADATA_FRESH_S, usable_s=METADATA_USABLE_S, clock=clock
        )
        self._keys = CachedDocument(self._fetch_keys, fresh_s=KEYS_FRESH_S, usable_s=KEYS_USABLE_S, clock=clock)

    @property
    def issuer(self) -> str:
        return self.address.issuer

    def metadata(self) -> Metadata:
        return self._metadata.get().document

    def verify(self, token: str) -> SignedToken:
        """Raises `NotAuthenticated` when the token is not one that the provider signed."""
        return signed_tokens.verify(token, lambda: self.metadata().algorithms, self._key)

    def _key(self, algorithm: str, kid: str | None) -> RSAKey | ECKey:
        """Unknown ones are looked for once more: keys change. How often is bounded, however many unknown ones come."""
        held = self._keys.get()
        key = held.document.find(algorithm, kid) or self._keys.newer_than(held).document.find(algorithm, kid)
        if key is None:
            raise NotAuthenticated("The token is signed with a key that the identity provider does not have.")
        return key

    def _fetch_metadata(self) -> Metadata:
        url = f"{self.address.url}{metadata.PATH}"
        return self._fetched(url, "metadata", lambda found: self._read_metadata(found, self.issuer))

    def _fetch_keys(self) -> Keys:
        return self._fetched(self.metadata().jwks_uri, "keys", keys.read)

    def _fetched(self, url: str, what: str, read: Callable[[Mapping[str, Any]], Read]) -> Read:
        try:
            answer = self._gets.get(url)
        except httpx.HTTPError as error:
            raise self._unavailable(f"does not answer: {_short(error)}") from error
        if answer.status_code != httpx.codes.OK:
            raise self._unavailable(f"answered {answer.status_code} when asked for its {what}")
        try:
            return read(parse_object(answer.content))
        except ValueError as error:
            raise self._unavailable(f"has {what} that Slipway can't use: {error}") from None

    def _unavailable(self, why: str) -> DependencyUnavailable:
        return DependencyUnavailable(f"The identity provider at {self.address.url} {why}.", remedy=_REMEDY)


class Provider(Keyring):
    """One that signs people in."""

    def __init__(self, address: Address, http: BoundedHttp, clock: Clock = time.monotonic) -> None:
        super().__init__(address, http, clock, metadata.read)
        self.http = http


def _short(error: httpx.HTTPError) -> str:
    return type(error).__name__
