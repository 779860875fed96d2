"""A host whose programs answer as set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slipway.host.commands import NOT_FOUND, Commands, Completed

Answer = Completed | Callable[[Sequence[str]], Completed]


class FakeCommands(Commands):
    """Programs that are on PATH, what they answer by the beginning of their argv (the longest wins), and what was run.

    A program without an answer succeeds and prints nothing; one that is not on PATH is not found.
    """

    def __init__(self, *programs: str, root: bool = True) -> None:
        self.programs = set(programs)
        self.ran: list[list[str]] = []
        self.started: list[list[str]] = []
        self._answers: dict[tuple[str, ...], Answer] = {}
        self._root = root

    def answer(self, *beginning: str, code: int = 0, output: str = "") -> None:
        self._answers[beginning] = Completed(code, output)

    def answer_by(self, code: Callable[[Sequence[str]], int], *beginning: str) -> None:
        self._answers[beginning] = lambda argv: Completed(code(argv), "")

    def found(self, program: str) -> Path | None:
        return Path("/usr/bin", program) if program in self.programs else None

    def all_found(self, program: str) -> list[Path]:
        return [Path(path) for path in sorted(self.programs) if Path(path).name == program and "/" in path]

    def is_root(self) -> bool:
        return self._root

    def start_detached(self, argv: Sequence[str], log: Path) -> None:  # noqa: ARG002
        self.started.append(list(argv))

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 60,  # noqa: ARG002
        env: Mapping[str, str] | None = None,  # noqa: ARG002
        cwd: Path | None = None,  # noqa: ARG002
        show: bool = False,  # noqa: ARG002
    ) -> Completed:
        self.ran.append(list(argv))
        for length in range(len(argv), 0, -1):
            if tuple(argv[:length]) in self._answers:
                answer = self._answers[tuple(argv[:length])]
                return answer if isinstance(answer, Completed) else answer(argv)
        if argv[0] in self.programs or not self.programs:
            return Completed(0, "")
        return Completed(NOT_FOUND, f"{argv[0]}: not found")

    def ran_with(self, *words: str) -> list[list[str]]:
        """The commands that contain all these words."""
        return [argv for argv in self.ran if set(words) <= set(argv)]
