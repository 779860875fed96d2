"""Reads BuildKit's plain progress: which lines to show, how many steps came from the cache, which step failed and
why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from slipway.core.causes import builds
from slipway.core.causes.table import Cause, last_cause, sign

_LINE = re.compile(r"#(?P<vertex>\d+) (?P<rest>.*)")
_PRINTED = re.compile(r"\d+\.\d+ (?P<text>.*)")
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
_LONGEST = 4096
"""The most characters of BuildKit's words about a step that are kept: its command may be as long as a Dockerfile."""


@dataclass(slots=True)
class Progress:
    """What the lines so far have shown."""

    total: int = 0
    cached: int = 0
    error: str = ""
    failed: str = ""
    """The name of the vertex that failed."""
    _failed_vertex: str = ""
    _names: dict[str, str] = field(default_factory=dict)
    _steps: set[str] = field(default_factory=set)
    _cached: set[str] = field(default_factory=set)

    def add(self, line: str) -> str | None:
        """Add a line. Returns the line to show, or None for noise."""
        match = _LINE.fullmatch(line)
        if not match:
            if _FAILED.match(line):
                self.error = line[:_LONGEST]
            return line if line.strip() else None
        vertex, rest = match["vertex"], match["rest"][:_LONGEST]
        if vertex not in self._names and _NAME.match(rest):
            self._name(vertex, rest)
        elif rest == "CACHED":
            self._cached.add(vertex)
        elif rest.startswith("ERROR: "):
            self.error, self.failed, self._failed_vertex = rest, self._names.get(vertex, ""), vertex
        self.total, self.cached = len(self._steps), len(self._cached & self._steps)
        return None if _NOISE.search(rest) else line

    def printed_by_failed_step(self, lines: Iterable[str]) -> list[str]:
        """What the step that failed printed, among these lines: without BuildKit's own."""
        matches = (_LINE.fullmatch(line) for line in lines)
        printed = [match["rest"] for match in matches if match and match["vertex"] == self._failed_vertex]
        return [found["text"] for found in map(_PRINTED.fullmatch, printed) if found]

    def _name(self, vertex: str, rest: str) -> None:
        self._names[vertex] = rest
        if _STEP.fullmatch(rest):
            self._steps.add(vertex)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build failed, for its owner."""

    sentence: str
    remedy: str
    cause: str = ""
    """What the step's output names as the cause."""
    tail: str = ""
    """What of the output is worth reading."""


_ERRORS = (
    sign(r"secret (\S+) not found", "it needs the secret {0}, which is not set", "slipway env set --build {0}=…"),
    sign(
        r"target stage \"?([\w.-]+)\"? could not be found",
        "the Dockerfile has no stage {0}",
        "correct build.target in slipway.toml, and push again",
    ),
    sign(
        r"dockerfile parse error (?:on )?line (\d+): ([^\n]{1,200})",
        "line {0} of the Dockerfile can't be read ({1})",
        "fix it there, and push again",
    ),
    sign(
        r"[Dd]ockerfile cannot be empty|file with no instructions",
        "the Dockerfile has no instruction",
        "begin it with FROM, and push again",
    ),
)
"""What BuildKit says of a build that no step's exit code explains."""


def explain(progress: Progress, *, memory: str, processes: int, lines: Sequence[str]) -> Failure:
    """Why a build failed. `memory`, as words, and `processes` are the caps of all builds; `lines` are the last of the
    output."""
    printed = progress.printed_by_failed_step(lines)
    explained = builds.explain(printed or lines)
    return replace(_failure(progress, explained, memory, processes, "\n".join(lines)), tail=explained.tail)


def _failure(progress: Progress, explained: builds.Explained, memory: str, processes: int, tail: str) -> Failure:
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
        cause = explained.cause or Cause("", "fix what its output says, and push again")
        return Failure(f"{at} ended with exit code {code['code']}", cause.remedy, cause.sentence)
    return _without_exit_code(progress, at)


def _without_exit_code(progress: Progress, at: str) -> Failure:
    if file := _NO_FILE.search(progress.error):
        path = file["path"] or file["other"]
        return Failure(f"{at} asks for {path}, which is not there", "add the file, or check .dockerignore")
    if image := _IMAGE.match(progress.failed):
        name = image["image"].removeprefix("docker.io/library/").removeprefix("docker.io/")
        return Failure(
            f"the image {name} is not on this host and can't be pulled",
            "check its name; where no registry is reachable, start FROM an image that is here: docker images; those of "
            "recognised languages are made by the host's owner: make base-images",
        )
    said = _PREFIXES.sub("", progress.error)
    known = last_cause(_ERRORS, said)
    if known:
        return Failure(f"{at} failed", known.remedy, known.sentence)
    return Failure(f"{at} failed: {said[:300]}" if said else f"{at} failed", "fix what it says, and push again")


_HANDED_TO_STEP = re.compile(r"--mount=\S+ |export (\w+)=\"\$\(cat /run/secrets/\1 2>/dev/null\)\"; (?:exec )?")
"""Mounts and build variables, which say nothing of what the step does."""


def _short(instruction: str) -> str:
    instruction = _HANDED_TO_STEP.sub("", instruction)
    return instruction if len(instruction) <= 100 else instruction[:99] + "…"
