"""`python -m tests.lanes [--coverage] [pytest arguments]`: the whole suite in lanes side by side; or two, counted.

Tests that look at what the Docker Engine holds come one after the other in one lane, and so do those that start the
whole platform, which has an instance's name, a folder and a network range of its own. Those that need nginx, and those
that play histories, are the third lane; unit tests are the fourth, all others the fifth. What failed is named last.

Coverage is counted apart (`make coverage`), in the last two lanes' own processes: counting takes as much processor time
as the code itself, and what the other lanes run is the same code.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
LANES = {
    "stack": "stack or firewall",
    "engine": "engine and not stack and not firewall",
    "edge": "(edge or histories) and not engine and not stack",
    "unit": "unit",
    "others": "not engine and not stack and not firewall and not edge and not histories and not unit",
}
FOLDERS = {
    "stack": ["tests/e2e", "tests/integration/demo", "tests/integration/firewall"],
    "engine": ["tests/contracts", "tests/integration"],
    "edge": ["tests/integration/edge", "tests/integration/routes", "tests/integration/agent"],
    "unit": ["tests/unit"],
    "others": ["tests/contracts", "tests/integration"],
}
"""Where each lane's tests are: to collect all tests five times would take a minute of a processor."""
COVERED = ("unit", "others")
NOTHING_COLLECTED = 5
NAMED_AT_THE_END = 40
CHARACTERS_OF_A_NAME = 250


@dataclass
class Lane:
    """One pytest beside others; its lines are printed as they come, each with the lane's name."""

    name: str
    selection: str
    arguments: list[str]
    counted_in: Path | None
    """Where its coverage is kept; None: it is not counted."""
    process: subprocess.Popen[str] = field(init=False)
    reader: threading.Thread = field(init=False)
    failures: list[str] = field(default_factory=list)
    """Lines of pytest's summary."""

    def start(self) -> None:
        counting = ["-m", "coverage", "run", f"--data-file={self.counted_in}"] if self.counted_in else []
        argv = [sys.executable, *counting, "-m", "pytest", "-m", self.selection, "--durations=25"]
        self.process = subprocess.Popen(
            [*argv, *(self.arguments or FOLDERS[self.name])],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.reader = threading.Thread(target=self._print, name=self.name)
        self.reader.start()

    def wait(self) -> int:
        self.reader.join()
        return self.process.wait()

    def _print(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            print(f"{self.name}: {line}", end="", flush=True)
            if line.startswith(("FAILED ", "ERROR ")):
                self.failures.append(f"{self.name}: {line.strip()[:CHARACTERS_OF_A_NAME]}")


def main(arguments: list[str]) -> int:
    """Exit code 0: all lanes passed, and, where it is counted, enough is covered."""
    if arguments[:1] == ["--coverage"]:
        with tempfile.TemporaryDirectory(prefix="slipway-coverage-") as folder:
            has_passed = run([Lane(name, LANES[name], arguments[1:], Path(folder, ".coverage")) for name in COVERED])
            return 0 if is_covered(folder) and has_passed else 1
    return 0 if run([Lane(name, selection, arguments, None) for name, selection in LANES.items()]) else 1


def run(lanes: list[Lane]) -> bool:
    """Run them side by side; whether all have passed."""
    started = time.monotonic()
    for lane in lanes:
        lane.start()
    codes = {lane.name: lane.wait() for lane in lanes}
    failed = [name for name, code in codes.items() if code not in (0, NOTHING_COLLECTED)]
    said = ", ".join(f"{name} {'failed' if name in failed else 'passed'}" for name in codes)
    print("\n" + "\n".join([line for lane in lanes for line in lane.failures][:NAMED_AT_THE_END]))
    print(f"{said}; {time.monotonic() - started:.0f} s")
    return not failed


def is_covered(folder: str) -> bool:
    """Report what the data files in the folder cover; whether it is enough (`fail_under` in pyproject.toml)."""
    data = f"--data-file={Path(folder, '.coverage')}"
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet", data, folder], cwd=ROOT, check=True)
    return subprocess.run([sys.executable, "-m", "coverage", "report", data], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
