"""Reads the Engine's events of a pull: which lines to show, how many layers were here already, and why it failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.core.build.image_names import ImageName
from slipway.core.text.counting import plural
from slipway.errors import DeploymentFailed

MOST_LINES = 300
"""The most lines that a pull writes to the log: an image may have any number of layers."""
_ALSO_RUNS = {"amd64": {"386"}, "arm64": {"arm"}}
_TOO_MANY = re.compile(r"toomanyrequests|too many requests|rate limit", re.IGNORECASE)
_REFUSED = re.compile(r"unauthorized|denied|forbidden|no basic auth credentials|authentication required", re.IGNORECASE)
_MISSING = re.compile(r"not found|manifest unknown|name unknown|no such image|repository name not known", re.IGNORECASE)
_PLATFORM = re.compile(
    r"no matching manifest|does not match the specified platform|cannot be used on this", re.IGNORECASE
)
_QUOTED = re.compile(r'"[^"]*"')
"""Addresses and names in quotes, whose words must not be taken for the reason."""
_NO_SPACE = re.compile(r"no space left on device", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"connection refused|no such host|server misbehaving|timeout|timed out|no route to host|unreachable|"
    r"connection reset|deadline exceeded|\bx509: |\btls: |HTTP response to HTTPS client|\bEOF\b",
    re.IGNORECASE,
)
_IN_OUR_WORDS = re.compile(
    r"x509: certificate (?:signed by unknown authority|has expired or is not yet valid)|"
    r"no answer within \d+ s|HTTP status: \d{3}|HTTP \d{3} response|"
    + "|".join(each.pattern for each in (_TOO_MANY, _REFUSED, _MISSING, _PLATFORM, _UNREACHABLE)),
    re.IGNORECASE,
)
"""The only parts of the Engine's message that are shown. The rest may quote a server that is no registry."""


@dataclass(slots=True)
class Progress:
    """What the events so far have shown."""

    error: str = ""
    layers: set[str] = field(default_factory=set)
    here: set[str] = field(default_factory=set)
    _sizes: dict[str, int] = field(default_factory=dict)
    _lines: int = 0

    @property
    def pulled_bytes(self) -> int:
        """Compressed, as they came over the network."""
        return sum(self._sizes.values())

    def add(self, event: Mapping[str, Any]) -> str | None:
        """Add an event. Returns a line to show when a layer's download begins, and when the layer is complete."""
        if event.get("error"):
            self.error = str(event["error"])
            return None
        layer, status = str(event.get("id", "")), str(event.get("status", ""))
        line = None
        if status == "Already exists":
            self.layers.add(layer)
            self.here.add(layer)
            line = f"layer {layer} is here already"
        elif status == "Pull complete":
            line = f"layer {layer} is here"
        elif status == "Pulling fs layer":
            self.layers.add(layer)
        elif status == "Downloading" and layer not in self._sizes:
            self._sizes[layer] = int((event.get("progressDetail") or {}).get("total") or 0)
            line = f"layer {layer}: {megabytes(self._sizes[layer])}"
        return self._bounded(line)

    def _bounded(self, line: str | None) -> str | None:
        self._lines += line is not None
        return line if self._lines <= MOST_LINES else None

    def note(self) -> str:
        """`pulled 47.1 MB, 5 of 7 layers were here`."""
        all_of_them = len(self.layers)
        here = f"{len(self.here)} of {plural(all_of_them, 'layer')} {'was' if all_of_them == 1 else 'were'} here"
        return f"pulled {megabytes(self.pulled_bytes)}, {here}" if self.layers else "all of it was here"


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


@dataclass(frozen=True, slots=True)
class Asked:
    """The image that a registry was asked for."""

    name: ImageName
    has_credential: bool

    def __str__(self) -> str:
        mark = "@" if self.name.digest else ":"
        return f"{self.name.name}{mark}{self.name.version}"


def runs_on(platforms: Iterable[Mapping[str, Any]], os: str, architecture: str) -> bool:
    """Does one of the image's platforms run on the host? Yes when the registry lists none."""
    listed = list(platforms)
    fitting = {architecture} | _ALSO_RUNS.get(architecture, set())
    return not listed or any(each.get("os") == os and each.get("architecture") in fitting for each in listed)


def wrong_platform(
    asked: Asked, platforms: Iterable[Mapping[str, Any]], os: str, architecture: str
) -> DeploymentFailed:
    """The error for an image of another platform than this host's."""
    listed = {f"{each.get('os')}/{each.get('architecture')}" for each in platforms} - {"unknown/unknown"}
    given = f"is made for {', '.join(sorted(listed)[:8])}" if listed else "has no variant for it"
    return DeploymentFailed(
        "image-platform",
        f"this host runs {os}/{architecture}; {asked} {given}",
        remedy=f"push one for this host: docker buildx build --platform {os}/{architecture} --push",
    )


def failure(asked: Asked, said: str, *, status: int = 0) -> DeploymentFailed:
    """Why the image can't be pulled, from the Engine's message and status. Nothing that the registry sent is shown."""
    plain = _QUOTED.sub("", said)
    known = _IN_OUR_WORDS.search(plain)
    shown = known[0] if known else "its answer is not a registry's"
    if status in (401, 403):
        return _refused(asked, shown)
    make = _kind(plain)
    if make is not None:
        return make(asked, shown)
    if status == 404:
        return _missing(asked, shown)
    return DeploymentFailed("pull-failed", f"{asked} can't be pulled: {shown}", remedy="try again: slipway deploy")


def is_unreachable(said: str) -> bool:
    """Does the Engine's message say that no registry answered?"""
    return _kind(_QUOTED.sub("", said)) is _unreachable


def _kind(plain: str) -> Callable[[Asked, str], DeploymentFailed] | None:
    return next((make for pattern, make in _FAILURES if pattern.search(plain)), None)


def _refused(asked: Asked, said: str) -> DeploymentFailed:
    registry = asked.name.registry
    if asked.has_credential:
        sentence, remedy = f"{registry} did not let the app's credential read {asked}", "give one that may read it"
    else:
        sentence, remedy = f"{registry} does not give {asked} to anybody", "if it is private, give user:password"
    return DeploymentFailed(
        "image-refused",
        f"{sentence}, or has no such repository ({said})",
        remedy=f"check the name\n{remedy}: slipway apps set --credential-file FILE",
    )


def _missing(asked: Asked, _said: str) -> DeploymentFailed:
    return DeploymentFailed(
        "image-missing",
        f"{asked.name.registry} has no image {asked}",
        remedy="push it, or name one that is there: slipway deploy --image NAME:TAG",
    )


def _too_many(asked: Asked, said: str) -> DeploymentFailed:
    return DeploymentFailed(
        "image-refused",
        f"{asked.name.registry} limits how often it is asked: {said}",
        remedy="wait, then: slipway deploy\ngive an account of your own: slipway apps set --credential-file FILE",
    )


def _unreachable(asked: Asked, said: str) -> DeploymentFailed:
    return DeploymentFailed(
        "registry-unreachable",
        f"{asked.name.registry} can't be reached from this host: {said}",
        remedy="check the image's name; if the registry was unreachable: slipway deploy",
    )


def _no_variant(asked: Asked, said: str) -> DeploymentFailed:
    return DeploymentFailed(
        "image-platform",
        f"{asked} is not made for machines like this host: {said}",
        remedy="push one for this host's platform: docker buildx build --platform",
    )


def _does_not_fit(asked: Asked, _said: str) -> DeploymentFailed:
    return too_large(asked, "the disk was full before all of it was here")


def too_large(asked: Asked, why: str) -> DeploymentFailed:
    """The error for an image that this host has no room for."""
    return DeploymentFailed(
        "image-too-large",
        f"{asked} does not fit on this host: {why}",
        remedy="make a smaller image, or ask the host's owner to free some space",
    )


_FAILURES: tuple[tuple[re.Pattern[str], Callable[[Asked, str], DeploymentFailed]], ...] = (
    (_NO_SPACE, _does_not_fit),
    (_TOO_MANY, _too_many),
    (_PLATFORM, _no_variant),
    (_REFUSED, _refused),
    (_MISSING, _missing),
    (_UNREACHABLE, _unreachable),
)
