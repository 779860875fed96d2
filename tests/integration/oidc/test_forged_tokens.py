"""The attack table, forged tokens: each is refused with a sentence, wherever tokens are read. What a rightly signed one
says is in `test_token_claims`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from slipway.errors import NotAuthenticated
from tests.fixtures.identity.oidc_provider import CLIENT, OidcProvider
from tests.fixtures.identity.oidc_tokens import (
    ec_key,
    encoded,
    rsa_key,
    signed,
    signed_with_the_public_key,
    signing_input,
    unsigned,
)
from tests.integration.oidc.conftest import RelyingParty

NOW = int(time.time())
EVIL = "http://127.0.0.1:1/keys"
Forge = Callable[[OidcProvider], str]


def _claims(provider: OidcProvider, **changed: Any) -> dict[str, Any]:
    """Of a right access token."""
    usual = {
        "iss": provider.issuer,
        "sub": "sub-of-ada",
        "aud": "slipway-api",
        "typ": "Bearer",
        "sid": "s",
        "azp": CLIENT,
    }
    return {
        **usual,
        "iat": int(time.time()),
        "exp": int(time.time()) + 300,
        "groups": ["/tenants/acme/owner"],
        **changed,
    }


def _public(key: Any) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def _with_header(**header: Any) -> Forge:
    """Signed by the provider's own key: the header alone is wrong."""
    return lambda provider: signed(_claims(provider), provider.key, header)


def _by_stranger(**header: Any) -> Forge:
    """Signed by a key that the provider does not have."""
    return lambda provider: signed(_claims(provider), rsa_key("rsa-evil"), {"kid": "rsa-1", **header})


def _segments(provider: OidcProvider) -> list[str]:
    return provider.access_token().split(".")


FORGED: dict[str, tuple[Forge, str]] = {
    # who signed
    "alg none": (lambda p: unsigned(_claims(p)), "three parts"),
    "alg none, with a signature": (lambda p: unsigned(_claims(p)) + "c2ln", "algorithm that is not accepted"),
    "alg None": (lambda p: f"{signing_input({'alg': 'None'}, _claims(p))}.c2ln", "algorithm that is not accepted"),
    "alg nOnE": (lambda p: f"{signing_input({'alg': 'nOnE'}, _claims(p))}.c2ln", "algorithm that is not accepted"),
    "HS256 with the public key": (
        lambda p: signed_with_the_public_key(_claims(p), rsa_key()),
        "algorithm that is not accepted",
    ),
    "unknown alg": (_with_header(alg="XS999"), "algorithm that is not accepted"),
    "alg in lower case": (_with_header(alg="rs256"), "algorithm that is not accepted"),
    "alg as a list": (_with_header(alg=["RS256"]), "algorithm that is not accepted"),
    "no alg": (lambda p: f"{signing_input({'typ': 'JWT'}, _claims(p))}.c2ln", "names no algorithm"),
    "another key under a known kid": (_by_stranger(), "signature is not valid"),
    "another key without a kid": (_by_stranger(kid=None), "signature is not valid"),
    "ES256 named for an RSA key": (_with_header(alg="ES256"), "does not have"),
    "PS256 named for an RS256 key": (_with_header(alg="PS256"), "does not have"),
    "an EC key under an RSA key's kid": (lambda p: signed(_claims(p), ec_key(), {"kid": "rsa-1"}), "does not have"),
    "unknown kid": (_by_stranger(kid="nobody's"), "does not have"),
    "a kid that is a path": (_by_stranger(kid="../../../dev/null"), "does not have"),
    "a kid that is SQL": (_by_stranger(kid="' OR 1=1 --"), "does not have"),
    "a kid that is no text": (_with_header(kid=["rsa-1"]), "header is not valid"),
    # a header that brings its own key
    "jwk": (
        lambda p: signed(_claims(p), rsa_key("rsa-evil"), {"kid": None, "jwk": _public(rsa_key("rsa-evil"))}),
        "not accepted: jwk",
    ),
    "jwk on a right token": (
        lambda p: signed(_claims(p), p.key, {"jwk": _public(p.key)}),
        "not accepted: jwk",
    ),
    "jku": (_by_stranger(kid="rsa-evil", jku=EVIL), "not accepted: jku"),
    "x5u": (_by_stranger(kid="rsa-evil", x5u=EVIL), "not accepted: x5u"),
    "x5c": (_by_stranger(kid="rsa-evil", x5c=["MIIB"]), "not accepted: x5c"),
    # extensions
    "unknown crit": (_with_header(crit=["exp"], exp=NOW), "not accepted: crit"),
    "empty crit": (_with_header(crit=[]), "not accepted: crit"),
    "b64 false": (_with_header(b64=False), "not accepted: b64"),
    "encrypted": (_with_header(enc="A256GCM"), "not accepted: enc"),
    # form
    "nothing": (lambda _p: "", "three parts"),
    "one part": (lambda _p: "abc", "three parts"),
    "two parts": (lambda p: ".".join(_segments(p)[:2]), "three parts"),
    "four parts": (lambda p: p.access_token() + ".abc", "three parts"),
    "five parts": (lambda p: p.access_token() + ".abc.def", "three parts"),
    "no signature": (lambda p: ".".join(_segments(p)[:2]) + ".", "three parts"),
    "a space behind": (lambda p: p.access_token() + " ", "three parts"),
    "a line break behind": (lambda p: p.access_token() + "\n", "three parts"),
    "padding": (lambda p: p.access_token() + "==", "three parts"),
    "letters of other alphabets": (lambda p: "é" + p.access_token(), "three parts"),
    "a header that is no JSON": (lambda p: ".".join(["YWJj", *_segments(p)[1:]]), "header is no JSON object"),
    "a header that is a list": (
        lambda p: ".".join([encoded(b'["RS256"]'), *_segments(p)[1:]]),
        "header is no JSON object",
    ),
    "a header with alg twice": (
        lambda p: ".".join([encoded(b'{"alg":"none","alg":"RS256","kid":"rsa-1"}'), *_segments(p)[1:]]),
        "header is no JSON object",
    ),
    "a header nested without end": (
        lambda p: ".".join([encoded(b'{"a":' + b"[" * 8000), *_segments(p)[1:]]),
        "header is no JSON object",
    ),
    "a header in another encoding": (
        lambda p: ".".join([encoded(json.dumps({"alg": "RS256"}).encode("utf-16")), *_segments(p)[1:]]),
        "header is no JSON object",
    ),
    "a segment of 10 MB": (lambda p: ".".join([*_segments(p)[:1], "A" * 10_000_000, _segments(p)[2]]), "longer than"),
    "a header of 10 MB": (lambda p: ".".join(["A" * 10_000_000, *_segments(p)[1:]]), "longer than"),
    "a signature of 10 MB": (lambda p: ".".join([*_segments(p)[:2], "A" * 10_000_000]), "longer than"),
    "a million dots": (lambda _p: "." * 1_000_000, "longer than"),
    # what was changed after it was signed
    "another content": (
        lambda p: ".".join([_segments(p)[0], encoded(json.dumps(_claims(p, sub="root")).encode()), _segments(p)[2]]),
        "signature is not valid",
    ),
    "another token's signature": (
        lambda p: ".".join([*_segments(p)[:2], p.access_token("ada", sub="x").split(".")[2]]),
        "signature is not valid",
    ),
    "a signature of zeros": (lambda p: ".".join([*_segments(p)[:2], encoded(bytes(256))]), "signature is not valid"),
    # a content that nobody should have signed
    "a content that is a list": (lambda p: signed(b"[]", p.key), "content is no JSON object"),
    "a content with a name twice": (
        lambda p: signed(b'{"sub":"sub-of-ada","sub":"root"}', p.key),
        "content is no JSON object",
    ),
    "a content with NaN": (
        lambda p: signed(json.dumps(_claims(p)).encode()[:-1] + b',"nbf":NaN}', p.key),
        "content is no JSON object",
    ),
    "a content nested without end": (lambda p: signed(b'{"a":' + b"[" * 8000, p.key), "content is no JSON object"),
}


@pytest.mark.parametrize(("forge", "why"), FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(provider: OidcProvider, rp: RelyingParty, forge: Forge, why: str) -> None:
    token = forge(provider)
    for verify in (rp.sign_on.verifier.access_token, rp.sign_on.verifier.logout_token):
        with pytest.raises(NotAuthenticated, match=why) as raised:
            verify(token)
        assert token[:64] not in raised.value.message or not token
    assert provider.count("elsewhere") == 0
    assert rp.sign_on.verifier.access_token(provider.access_token()).subject == "sub-of-ada"
