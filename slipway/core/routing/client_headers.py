"""What a client may not say in headers: the edge drops such a header before an app gets the request.

The tables are those of `nginx/lua/slipway/request/client_headers.lua`, which a test holds these to, and
docs/reference/edge-http.md has them with their reasons.
"""

from __future__ import annotations

# fmt: off
BEGINNINGS = (
    "forwarded", "x-forward", "x-real-", "x-original", "x-rewrite", "x-host", "x-http-host", "x-scheme",
    "x-url-scheme", "x-script-name", "x-protocol", "front-end-https", "x-front-end-https", "proxy", "x-proxy",
    "remote-", "x-remote-", "x-override-url", "x-request-uri", "request-uri", "x-replaced-path", "x-base-url",
    "x-context-path", "x-external-path", "x-ingress-path", "x-path-prefix", "x-http-destinationurl", "wl-proxy",
    "client-ip", "x-client-ip", "x-clientip", "x-cluster-client", "true-client", "do-connecting-ip",
    "incap-client-ip", "x-true-client", "x-originating", "x-remoteip", "x-source-ip", "x-custom-ip", "z-forwarded",
    "cluster-client", "ns-client-ip", "rlnclientipaddr", "eo-client", "eo-connecting", "ali-real", "cdn-src-ip",
    "x-cdn-src-ip", "akamai", "x-akamai", "ali-cdn", "cf-", "cloudfront-", "fastly-", "fly-", "x-appengine", "x-arr-",
    "x-azure-", "x-envoy-", "x-nf-", "x-sucuri-", "x-vercel-", "l5d-", "x-istio-", "x-sigsci-", "x-slipway",
    "x-auth-", "x-authenticated", "x-authentik", "x-authelia", "x-user-claim", "x-user-dn", "x-user-email",
    "x-user-group", "x-user-info", "x-user-name", "x-user-principal", "x-user-role", "x-userid", "x-userinfo",
    "x-username", "x-webauth", "x-pomerium", "x-vouch", "x-oidc", "oidc-", "x-saml", "x-shib", "shib-", "ajp-", "sm-",
    "iv-", "x-ldap", "x-sso", "x-trusted", "x-jwt-assertion", "x-jwt-claim", "x-jwt-payload", "x-consumer",
    "x-anonymous-consumer", "x-credential", "x-endpoint-api", "x-apigateway", "x-goog-authenticated", "x-goog-iap",
    "x-ms-client-principal", "x-ms-token", "x-amzn-mtls", "x-amzn-oidc", "tailscale-", "teleport-", "x-teleport",
    "x-authentication", "x-authuser", "impersonate-", "x-impersonate", "cas-", "x-cas-", "mellon-", "ct-remote-user",
    "oam-", "osso-", "gap-auth", "kubeflow-user", "x-rh-identity", "x-msisdn", "x-up-calling", "client-cert", "ssl-",
    "x-ssl", "x-tls", "x-mtls", "x-cert", "x-client-cert", "x-client-dn", "x-client-i-dn", "x-client-issuer",
    "x-client-s-dn", "x-client-san", "x-client-ssl", "x-client-subject", "x-client-tls", "x-client-verify", "x-accel",
    "x-sendfile",
)
WHOLE = frozenset((
    "affiliation", "entitlement", "eppn", "persistent-id", "targeted-id", "unscoped-affiliation", "x-email",
    "x-group", "x-groups", "x-identity", "x-login", "x-principal", "x-role", "x-roles", "x-subject", "x-user",
))
ALLOWED = frozenset((
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-auth-key", "x-auth-nonce",
    "x-auth-signature", "x-auth-timestamp", "x-auth-token",
))
# fmt: on
"""What an app gets though it begins so: of the first four what the edge itself says in their place."""


def is_dropped(name: str) -> bool:
    """Whether the edge keeps a client's header of that name from apps. One with `_` or `.` is no valid name
    there, and is dropped in any case."""
    small = name.lower()
    if "_" in small or "." in small:
        return True
    return small in WHOLE or (small.startswith(BEGINNINGS) and small not in ALLOWED)
