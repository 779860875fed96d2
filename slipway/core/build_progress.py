"""Reading BuildKit's plain progress: what to show, how many steps came from the cache, which step failed and how."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"#(?P<vertex>\d+) (?P<rest>.*)")
_STEP = re.compile(r"\[(?:[^\]]*\s)?\d+/\d+\] (?P<instruction>.*)")
_NOISE = re.compile(r"sha256:[0-9a-f]{64}$|transferring (?:context|dockerfile):|DONE 0\.0s$|resolve docker\.io")
_OUTPUT = re.compile(r"\d+\.\d+ (?P<text>.*)")
_EXIT = re.compile(r"(?:executor failed running|process \"?).*exit code: (?P<code>\d+)")
_NOT_PULLED = re.compile(
    r"(?P<image>[\w./:@-]+): (?:failed to do request|not found|pull access denied|failed to authorize|"
    r"failed to resolve source metadata|.*no such host)"
)
_MISSING_FILE = re.compile(r"\"?(?P<path>/[^\s\"]*)\"?: not found|lstat (?P<other>\S+): no such file")


@dataclass(slots=True)
class Progress:
    """What the lines so far told."""

    total: int = 0
    cached: int = 0
    error: str = ""
    _steps: dict[str, str] = field(default_factory=dict)
    _cached: set[str] = field(default_factory=set)
    _last: str = ""

    def see(self, line: str) -> str | None:
        """Take a line in; returns it as it is to be shown, or None for noise."""
        if line.startswith(("ERROR:", "error:", "failed to solve", "executor failed")):
            self.error = line
        match = _LINE.fullmatch(line)
        if not match:
            return line if line.strip() else None
        vertex, rest = match["vertex"], match["rest"]
        step = _STEP.fullmatch(rest)
        if step and vertex not in self._steps:
            self._steps[vertex] = step["instruction"]
        if rest.startswith("CACHED"):
            self._cached.add(vertex)
        if rest.startswith("ERROR") or _OUTPUT.match(rest):
            self._last = vertex
        if rest.startswith("ERROR"):
            self.error = rest
        self.total, self.cached = len(self._steps), len(self._cached & self._steps.keys())
        return None if _NOISE.search(rest) else line

    def failed_step(self) -> str:
        """The instruction that printed last: where a failed build stopped."""
        return self._steps.get(self._last, "")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed build in words."""

    sentence: str
    remedy: str


def explain(progress: Progress, tail: str, *, memory: str) -> Failure:
    """Why a build failed, from its last lines. `memory` is the cap, as words."""
    step = progress.failed_step()
    at = f"`{_short(step)}`" if step else "the build"
    end = f"{tail}\n{progress.error}"
    exit_code = _EXIT.search(end)
    if exit_code and exit_code["code"] == "137":
        return Failure(
            f"{at} was killed (exit code 137): builds here may use {memory} of memory together",
            "use less memory in the step; the host's owner can raise SLIPWAY_BUILD_MEMORY_BYTES",
        )
    if exit_code:
        return Failure(f"{at} ended with exit code {exit_code['code']}", "mend what its output says, and push again")
    if image := _NOT_PULLED.search(end):
        return Failure(
            f"the image {image['image']} is not on this host and can't be pulled",
            "check its name; where no registry is reachable, start FROM an image that is here: docker images",
        )
    if missing := _MISSING_FILE.search(end):
        path = missing["path"] or missing["other"]
        return Failure(f"{at} copies {path}, which is not in the context", "add the file, or look at .dockerignore")
    said = progress.error.removeprefix("ERROR: ").removeprefix("failed to solve with frontend dockerfile.v0: ")
    return Failure(
        f"{at} failed: {said[:300]}" if said else f"{at} failed", "mend what its output says, and push again"
    )


def _short(instruction: str) -> str:
    return instruction if len(instruction) <= 100 else instruction[:99] + "…"
