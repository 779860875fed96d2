"""Names of images, in the long form and in the short one that people write (`docker.io/library/python` = `python`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway.core.naming import hosts
from slipway.errors import InvalidInput

OWN_NAMESPACE = "slipway"
DOCKER_HUB = "docker.io"
_HUB_HOSTS = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME = re.compile(
    rf"(?P<path>(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_IMAGE_ID = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name, without the prefixes of Docker Hub."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def is_own(self) -> bool:
        """One of the images that Slipway builds for apps: never a base for another."""
        return OWN_NAMESPACE in self.name.split("/")[:-1] or self.name == OWN_NAMESPACE

    @property
    def registry(self) -> str:
        """Where it is pulled from: `host` or `host:port`."""
        first, slash, _ = self.name.partition("/")
        is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
        return first.lower() if is_host else DOCKER_HUB

    @property
    def version(self) -> str:
        """The digest, or the tag, or `latest`."""
        return self.digest or self.tag or "latest"


def host_and_port(registry: str) -> tuple[str, int | None]:
    """A registry's host in lower-case ASCII, and its port where it is named.

    Raises:
        InvalidInput: the host or the port is invalid.
    """
    host, colon, port = registry.partition(":")
    name = hosts.ascii_name(host)
    if not name or (colon and not (port[:1] in "123456789" and len(port) <= 5 and int(port) <= 65535)):
        raise InvalidInput(
            f"{registry[:120]!r} is not a registry's host and port", remedy="name it as host.example:5000/name"
        )
    return name, int(port) if colon else None


def pulled_namespace(instance: str) -> str:
    """The namespace in which an installation tags images that it pulled for apps: they don't have its labels."""
    return f"{OWN_NAMESPACE}/{instance}-pulled"


def pulled_tag(instance: str, token: str, deployment_id: int, digest: str) -> str:
    """The tag of an image that a deployment pulled; with `token` in it, it can't be guessed."""
    return f"{pulled_namespace(instance)}/{token}:{_version(deployment_id, digest)}"


def promoted_tag(token: str, deployment_id: int, digest: str) -> str:
    """A further tag of an image that was built here for another app. It says so: no registry may name that image."""
    return f"{OWN_NAMESPACE}/{token}:{_version(deployment_id, digest)}"


def _version(deployment_id: int, digest: str) -> str:
    return f"{deployment_id}-{digest.removeprefix('sha256:')[:12]}"


def deployment_in(tag: str) -> int | None:
    """The deployment that pulled or promoted the image of this tag; None in the tag of a build."""
    deployment_id, dash, _ = tag.rpartition(":")[2].partition("-")
    return int(deployment_id) if dash and deployment_id.isdecimal() else None


def is_built(tag: str) -> bool:
    """Is it a tag of ours, of an image that was built here?"""
    return tag.startswith(f"{OWN_NAMESPACE}/") and not is_pulled(tag)


def is_pulled(tag: str) -> bool:
    """Is it a tag of ours, of an image that was pulled from a registry?"""
    namespace, _, _ = tag.rpartition("/")
    return namespace.startswith(f"{OWN_NAMESPACE}/") and namespace.endswith("-pulled")


def parse(text: str) -> ImageName:
    """Parse an image's name, as it is written in a Dockerfile or given for an app.

    Raises:
        InvalidInput: it is no name but an image's id, a bare digest, or text with quotes or variables.
    """
    match = _NAME.fullmatch(text)
    if not match or len(text) > 255 or match["path"] in ("sha256", "sha512") or _is_id(match):
        raise InvalidInput(f"{text[:120]!r} is not an image's name", remedy="name it as python:3.11-slim")
    return ImageName(_short(match["path"]), match["tag"] or "", match["digest"] or "")


def _is_id(match: re.Match[str]) -> bool:
    return not match["tag"] and not match["digest"] and _IMAGE_ID.fullmatch(match["path"]) is not None


def _short(path: str) -> str:
    domain, slash, rest = path.partition("/")
    if slash and domain.lower() in _HUB_HOSTS:
        path = rest
    return path.removeprefix("library/")
