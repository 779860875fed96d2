"""Which identities are of one repository: `host/owner/name`, where the host may have a port.

A forge's web address often has a port of its own (`http://git.example:3000/acme/shop.git`), which the address for ssh
does not say (`git@git.example:acme/shop.git`). So an identity without a port is also that of each port of its host. Two
different ports are two forges.
"""

from __future__ import annotations


def without_port(identity: str) -> str:
    host, slash, path = identity.partition("/")
    name, _, port = host.partition(":")
    return f"{name}{slash}{path}" if port.isdecimal() else identity


def are_same(one: str, other: str) -> bool:
    """Are both of one repository, as far as the addresses say?"""
    bare = without_port(one)
    return one == other or (bare == without_port(other) and bare in (one, other))


def with_any_port(identity: str) -> tuple[str, str]:
    """What the twins of an identity without a port begin and end with: there is any text between. Those of one with a
    port are none of them."""
    host, _, path = identity.partition("/")
    return (f"{host}:", f"/{path}") if identity == without_port(identity) else ("/", "/")
