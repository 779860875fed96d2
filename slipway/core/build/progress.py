"""Reads BuildKit's plain progress: which lines to show, how many steps came from the cache, which step failed and
why."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"#(?P<vertex>\d+) (?P<rest>.*)")
# FROM is left out: whether BuildKit says CACHED of a base image differs from build to build.
_STEP = re.compile(r"\[(?:[^\]]*\s)?\d+/\d+\] (?!FROM )(?P<instruction>.*)")
_NOISE = re.compile(r"sha256:[0-9a-f]{64}$|transferring (?:context|dockerfile):|DONE 0\.0s$|resolve docker\.io")
_NAME = re.compile(r"\[|FROM |exporting |importing ")
_FAILED = re.compile(r"ERROR:|error:|failed to |executor failed")
_EXIT = re.compile(r"exit code: (?P<code>\d+)")
_IMAGE = re.compile(r"(?:\[internal\] load metadata for|FROM|\[[^\]]*\] FROM) (?P<image>\S+)")
_NO_FORK = re.compile(
    r"fork: (?:retry: )?Resource temporarily unavailable|can(?:no|')t (?:fork|start new thread)|pthread_create failed|"
    r"fork/exec .*temporarily unavailable|errno 11\] Resource temporarily",
    re.IGNORECASE,
)
_NO_FILE = re.compile(r"\"(?P<path>[^\"]+)\"?:? not found|lstat \S*/merged(?P<other>/\S*): no such file")
_PREFIXES = re.compile(r"(?:ERROR: |failed to solve[^:]*: |failed to create LLB definition: |rpc error: .*? desc = )+")


@dataclass(slots=True)
class Progress:
    """What the lines so far have shown."""

    total: int = 0
    cached: int = 0
    error: str = ""
    failed: str = ""
    """The name of the vertex that failed."""
    _names: dict[str, str] = field(default_factory=dict)
    _steps: set[str] = field(default_factory=set)
    _cached: set[str] = field(default_factory=set)

    def add(self, line: str) -> str | None:
        """Add a line. Returns the line to show, or None for noise."""
        match = _LINE.fullmatch(line)
        if not match:
            if _FAILED.match(line):
                self.error = line
            return line if line.strip() else None
        vertex, rest = match["vertex"], match["rest"]
        if vertex not in self._names and _NAME.match(rest):
            self._name(vertex, rest)
        elif rest == "CACHED":
            self._cached.add(vertex)
        elif rest.startswith("ERROR: "):
            self.error, self.failed = rest, self._names.get(vertex, "")
        self.total, self.cached = len(self._steps), len(self._cached & self._steps)
        return None if _NOISE.search(rest) else line

    def _name(self, vertex: str, rest: str) -> None:
        self._names[vertex] = rest
        if _STEP.fullmatch(rest):
            self._steps.add(vertex)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build failed, for its owner."""

    sentence: str
    remedy: str


def explain(progress: Progress, *, memory: str, processes: int, tail: str) -> Failure:
    """Why a build failed. `memory`, as words, and `processes` are the caps of all builds; `tail` is the last output."""
    step = _STEP.fullmatch(progress.failed)
    at = f"`{_short(step['instruction'])}`" if step else "the build"
    code = _EXIT.search(progress.error)
    if code and code["code"] == "137":
        return Failure(
            f"{at} was killed (exit code 137): builds here may use {memory} of memory together",
            "use less memory in the step; the host's owner can raise SLIPWAY_BUILD_MEMORY_BYTES",
        )
    if code and _NO_FORK.search(tail):
        return Failure(
            f"{at} could not start another process (exit code {code['code']}): "
            f"builds here may have {processes} together",
            "start fewer at a time in the step; the host's owner can raise SLIPWAY_BUILD_PIDS",
        )
    if code:
        return Failure(f"{at} ended with exit code {code['code']}", "fix what its output says, and push again")
    if file := _NO_FILE.search(progress.error):
        path = file["path"] or file["other"]
        return Failure(f"{at} asks for {path}, which is not there", "add the file, or check .dockerignore")
    if image := _IMAGE.match(progress.failed):
        name = image["image"].removeprefix("docker.io/library/").removeprefix("docker.io/")
        return Failure(
            f"the image {name} is not on this host and can't be pulled",
            "check its name; where no registry is reachable, start FROM an image that is here: docker images",
        )
    said = _PREFIXES.sub("", progress.error)
    return Failure(f"{at} failed: {said[:300]}" if said else f"{at} failed", "fix what it says, and push again")


def _short(instruction: str) -> str:
    return instruction if len(instruction) <= 100 else instruction[:99] + "…"
