"""docker-compose.yml: what Slipway would do with each of its services. It is read, and never run.

Of YAML this reads what people write there: blocks that are indented, with one key a line. A service in braces or by
reference is listed without what it is made of.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from builder.sources.source_tree import SourceTree
from builder.sources.text_encoding import text_of
from slipway.errors import InvalidInput

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""In the order of precedence: the first that is there is read."""
MOST_BYTES = 256 * 1024
MOST_SHOWN = 12
_KEY = re.compile(r"(?P<indent> *)(?P<key>[\w.-]+|\"[^\"\n]*\"|'[^'\n]*')\s*:(?:\s+(?P<value>\S[^\n]*))?")


@dataclass(frozen=True, slots=True)
class Service:
    """A service: built from a folder of the repository, or of an image."""

    name: str
    context: str = ""
    """The folder that it is built from; empty: it is not built."""
    image: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    indent: int
    key: str
    value: str


def found(tree: SourceTree, folder: str) -> tuple[str, list[Service]]:
    """The folder's compose file and its services; an empty name where there is none."""
    for name in FILES:
        content = tree.beginning(name if folder == "." else f"{folder}/{name}", MOST_BYTES)
        if content is not None:
            return name, services(text_of(content))
    return "", []


def services(content: str) -> list[Service]:
    """The services, in the file's order."""
    listed: list[Service] = []
    level = 0
    within: list[_Line] = []
    for line in _below_services(content):
        level = level or line.indent
        within = [outer for outer in within if outer.indent < line.indent]
        if line.indent == level:
            listed.append(Service(line.key))
        elif listed:
            listed[-1] = _with(listed[-1], line, within[-1].key if within else "", depth=len(within))
        within.append(line)
    return listed


def _below_services(content: str) -> Iterator[_Line]:
    is_below = False
    for line in _lines(content):
        if line.indent == 0:
            is_below = line.key == "services"
        elif is_below:
            yield line


def _lines(content: str) -> Iterator[_Line]:
    for text in content.splitlines():
        found = _KEY.match(text)
        if found:
            yield _Line(len(found["indent"]), _plain(found["key"]), _plain(found["value"] or ""))


def _plain(value: str) -> str:
    """A value without its comment and quotes."""
    quoted = re.match(r"([\"'])([^\"']*)\1", value)
    return quoted[2] if quoted else re.sub(r"(?:^|\s)#.*", "", value).strip()


def _with(service: Service, line: _Line, parent: str, *, depth: int) -> Service:
    is_own = depth == 1
    if is_own and line.key == "image":
        return replace(service, image=line.value)
    if is_own and line.key == "build":
        return replace(service, context=posixpath.normpath(line.value or "."))
    if parent == "build" and line.key == "context":
        return replace(service, context=posixpath.normpath(line.value or "."))
    return service


def proposals(listed: Sequence[Service]) -> list[str]:
    """What Slipway would do with each service: a line for each."""
    lines = [_proposal(service) for service in listed[:MOST_SHOWN]]
    more = len(listed) - MOST_SHOWN
    return [*lines, f"and {more} more"] if more > 0 else lines


def _proposal(service: Service) -> str:
    if service.context:
        where = "the repository's root" if service.context == "." else f'[build] context = "{service.context}"'
        return f"{service.name}: an app of this repository, built from {where}"
    if service.image:
        return f"{service.name}: an app of the image {service.image} (slipway apps create … --image {service.image})"
    return f"{service.name}: neither build nor image is read, so nothing"


def refusal(name: str, listed: Sequence[Service]) -> InvalidInput:
    """The error where nothing but the compose file says how to build."""
    return InvalidInput(
        f"there is no Dockerfile at this place, but {name}, which is read and not run. Its services would be: "
        f"{'; '.join(proposals(listed))}",
        remedy="name the folder of one in slipway.toml: [build] context = …; make an app for each: slipway apps create",
    )


def unused(name: str, listed: Sequence[Service]) -> tuple[str, ...]:
    """The line for a deployment's log where something else than the compose file says how to build."""
    if not name:
        return ()
    names = ", ".join(service.name for service in listed[:MOST_SHOWN])
    return (f"{name} is not used: its services ({names}) are not started" if names else f"{name} is not used",)
