"""Load on a proxy from one core: as much as it takes (wrk), or at a steady rate whatever it takes (h2load)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measuring import percentile

LOAD_CORE = 1
_CONNECTIONS = 64
_CLIENTS = 32  # of the steady load: each sends so seldom that one answer hardly delays its next request
_MOST_EACH = 900  # nginx ends a connection after 1,000 requests, and h2load opens no other

_WRK_SCRIPT = """
local requests, next_one = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local host, cookie = line:match("^(%S+) ?(.*)$")
    cookie = cookie ~= "" and "Cookie: " .. cookie .. "\\r\\n" or ""
    requests[#requests + 1] = "GET /some/path HTTP/1.1\\r\\nHost: " .. host .. "\\r\\n" .. cookie .. "\\r\\n"
  end
end
function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
function done(summary)
  local errors = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"failed":%d}\\n', summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Answered:
    requests: int
    seconds: float

    @property
    def per_s(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Latencies:
    """Of one round, in milliseconds."""

    p50: float
    p99: float
    p999: float


class LoadGenerator:
    """`host` names host number N of `count`, with the letter N in the number's place. `cookies` are sent in turn, the
    hosts' turns beside them. The folder is the generator's own."""

    def __init__(self, folder: Path, host: str, count: int, cookies: Sequence[str] = ("",)) -> None:
        self._requests = folder / "requests.txt"
        lines = (
            f"{host.replace('N', str(number % count))} {cookies[number % len(cookies)]}"
            for number in range(max(count, len(cookies)))
        )
        self._requests.write_text("".join(f"{line}\n" for line in lines))
        self._script = folder / "saturate.lua"
        self._script.write_text(_WRK_SCRIPT)
        self._log = folder / "steady.log"
        self._host = host
        self._count = count

    def saturate(self, port: int, seconds: int) -> Answered:
        """All hosts in turn, over kept connections, each sending again at once.

        Raises:
            AssertionError: an answer was missing or no success.
        """
        wrk = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(self._script), f"http://127.0.0.1:{port}"]
        measured = json.loads(_run([*wrk, "--", str(self._requests)]).splitlines()[-1])
        assert not measured["failed"], f"{measured['failed']} of {measured['requests']} requests failed"
        return Answered(measured["requests"], measured["seconds"])

    def steady(self, port: int, per_s: float, seconds: int) -> Latencies:
        """One host in the table's middle (h2load knows but one), open loop: clients start apart, and keep their pace.

        Raises:
            AssertionError: an answer was missing or no success.
        """
        each = per_s / _CLIENTS
        total = min(round(each * seconds), _MOST_EACH) * _CLIENTS
        self._log.unlink(missing_ok=True)
        pace = ["-c", str(_CLIENTS), "-n", str(total), f"--rps={each:.1f}", "-r", "1", "--rate-period=1ms"]
        where = [f"--connect-to=127.0.0.1:{port}", f"http://{self._host.replace('N', str(self._count // 2))}/some/path"]
        _run(["h2load", "--h1", "-t1", *pace, f"--log-file={self._log}", *where])
        rows = [line.split("\t") for line in self._log.read_text().splitlines()]
        failed = sum(row[1] != "200" for row in rows) + total - len(rows)
        assert not failed, f"{failed} of {total} requests failed"
        taken_ms = sorted(int(row[2]) / 1000 for row in rows)
        return Latencies(percentile(taken_ms, 0.5), percentile(taken_ms, 0.99), percentile(taken_ms, 0.999))


def _run(argv: list[str]) -> str:
    pinned = ["taskset", "--cpu-list", str(LOAD_CORE), *argv]
    return subprocess.run(pinned, check=True, capture_output=True, text=True, timeout=120).stdout
