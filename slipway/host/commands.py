"""Running other programs: argv lists, a deadline, no shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import HostUnready

TIMED_OUT = 124
NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended; `output` is what it printed, both streams as one."""

    code: int
    output: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    def tail(self, lines: int = 12) -> str:
        return "\n".join(self.output.strip().splitlines()[-lines:])


class Commands:
    """The host's programs. Tests put a fake in its place."""

    def found(self, program: str) -> Path | None:
        """Where `program` is: on PATH, or in the folders that root's PATH has and a user's may lack."""
        found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
        return Path(found) if found else None

    def all_found(self, program: str) -> list[Path]:
        """Every `program` on PATH, first come first, then Debian's own."""
        folders = [*os.get_exec_path(), "/usr/bin"]
        found = [shutil.which(program, path=folder) for folder in folders]
        return list(dict.fromkeys(Path(one) for one in found if one))

    def start_detached(self, argv: Sequence[str], log: Path) -> None:
        """Start a daemon that outlives this process; its output goes to the end of `log`."""
        with log.open("ab") as sink:
            subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True)

    def is_root(self) -> bool:
        return os.geteuid() == 0

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 60,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        show: bool = False,
    ) -> Completed:
        """Run to the end; never raises for a program that fails, is missing (127) or takes too long (124).

        `env` is the program's whole environment, this process's own when None; a variable that is no secret is also
        set by `env NAME=VALUE …` in the argv. With `show` the output goes to the terminal and is not kept.
        """
        sink = None if show else subprocess.PIPE
        try:
            done = subprocess.run(
                list(argv),
                timeout=timeout_s,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=None if show else subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            return Completed(TIMED_OUT, f"{_text(late.output)}\n{argv[0]} took longer than {timeout_s:g} s")
        except FileNotFoundError:
            return Completed(NOT_FOUND, f"{argv[0]}: not found")
        except PermissionError:
            return Completed(NOT_FOUND, f"{argv[0]}: not allowed to run it")
        return Completed(done.returncode, done.stdout or "")

    def must(
        self,
        argv: Sequence[str],
        *,
        remedy: str = "",
        timeout_s: float = 60,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        show: bool = False,
    ) -> str:
        """`run`, for a program that has to succeed; returns what it printed.

        Raises:
            HostUnready: it failed; with the end of its output.
        """
        done = self.run(argv, timeout_s=timeout_s, env=env, cwd=cwd, show=show)
        if not done.ok:
            raise HostUnready(f"`{' '.join(argv)}` failed ({done.code})\n{done.tail()}".rstrip(), remedy=remedy)
        return done.output


def _text(output: bytes | str | None) -> str:
    if isinstance(output, bytes):
        return output.decode("utf-8", "replace")
    return output or ""
