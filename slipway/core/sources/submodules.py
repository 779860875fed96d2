"""Submodules of a commit: where `.gitmodules` says that they are, and which of it is followed.

`.gitmodules` is written by whoever may push, and names other repositories: an address there is read by the same grammar
as an app's own. The app's credential goes to the app's own host alone, and only for submodules that the app's own
repository names: one of a stranger could name whatever the credential may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from slipway.core.naming import repository_address
from slipway.core.naming.repository_address import RepositoryAddress
from slipway.errors import InvalidInput

FILE_NAME = ".gitmodules"
DEEPEST = 4
"""Submodules of submodules, and so on."""
MOST = 100
"""Of a commit, those of its submodules included."""
_WEB = ("https", "http")
_UP, _HERE = "../", "./"


@dataclass(frozen=True, slots=True)
class Declared:
    """A submodule as `.gitmodules` has it."""

    url: str = ""
    update: str = ""

    @property
    def is_wanted(self) -> bool:
        """git's own way to leave one out."""
        return self.update != "none"


def declared(entries: Iterable[str]) -> Mapping[str, Declared]:
    """By path. `entries` are lines of `git config --list`: `submodule.<name>.<key>=<value>`; the last of a key
    counts."""
    named: dict[str, dict[str, str]] = {}
    for entry in entries:
        key, equals, value = entry.partition("=")
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        if equals and section == "submodule" and name:
            named.setdefault(name, {})[variable] = value
    return {
        each["path"].rstrip("/"): Declared(each.get("url", ""), each.get("update", ""))
        for each in named.values()
        if each.get("path")
    }


def address(url: str, parent: RepositoryAddress, app: RepositoryAddress) -> RepositoryAddress:
    """Where a submodule of the repository `parent` is. An address for ssh at the host of an app that is fetched over
    the web becomes one of the web there, where the app's token may be used.

    Raises:
        InvalidInput: it is no repository's address.
    """
    found = _relative(url, parent) if url.startswith((_UP, _HERE)) else repository_address.parse(url)
    if found.scheme == "ssh" and app.scheme in _WEB and found.host == app.host:
        return replace(app, path=found.path)
    return found


def gets_credential(found: RepositoryAddress, app: RepositoryAddress, depth: int) -> bool:
    """Is it at the very place that the app's credential is for, and does the app's own repository name it? `depth` is 1
    then, and more for a submodule of a submodule."""
    return depth == 1 and _place(found) == _place(app)


def _place(of: RepositoryAddress) -> tuple[str, str, str, int]:
    return (of.scheme, of.user, of.host, of.connected_port)


def _relative(url: str, parent: RepositoryAddress) -> RepositoryAddress:
    """`../lib.git` beside the parent repository, never above its host."""
    segments, rest = parent.path.strip("/").split("/"), url
    while rest.startswith((_UP, _HERE)):
        if rest.startswith(_UP):
            if not segments:
                raise InvalidInput(f"{url[:200]!r} leads above the host of its repository")
            segments.pop()
        rest = rest.partition("/")[2]
    beside = "/".join([*segments, rest])
    return repository_address.parse(replace(parent, path=f"/{beside}").url)
