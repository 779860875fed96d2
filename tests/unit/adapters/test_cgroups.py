"""Control groups' files as both versions of the kernel's interface have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from slipway.adapters.linux.cgroups import use_of
from slipway.errors import NotFound

ID = "c0ffee" * 10 + "beef"

VERSION_1 = {
    "cpuacct/{}/cpuacct.usage": "1500000000\n",
    "cpu/{}/cpu.cfs_quota_us": "50000\n",
    "cpu/{}/cpu.cfs_period_us": "100000\n",
    "cpu/{}/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 250000000\n",
    "memory/{}/memory.usage_in_bytes": "3000000\n",
    "memory/{}/memory.limit_in_bytes": "134217728\n",
    "memory/{}/memory.stat": "cache 5\ntotal_inactive_file 1000000\n",
    "pids/{}/pids.current": "3\n",
    "pids/{}/pids.max": "64\n",
}
VERSION_2 = {
    "{}/cpu.stat": "usage_usec 1500000\nuser_usec 1\nnr_throttled 2\nthrottled_usec 250000\n",
    "{}/cpu.max": "50000 100000\n",
    "{}/memory.current": "3000000\n",
    "{}/memory.max": "134217728\n",
    "{}/memory.stat": "anon 7\ninactive_file 1000000\n",
    "{}/pids.current": "3\n",
    "{}/pids.max": "64\n",
}
WITHOUT_LIMITS = (
    {
        "cpu/{}/cpu.cfs_quota_us": "-1\n",
        "memory/{}/memory.limit_in_bytes": "9223372036854771712\n",
        "pids/{}/pids.max": "max\n",
    },
    {"{}/cpu.max": "max 100000\n", "{}/memory.max": "max\n", "{}/pids.max": "max\n"},
)


def tree(root: Path, files: Mapping[str, str], group: str) -> Path:
    for name, text in files.items():
        path = root / name.format(group)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("group", [f"docker/{ID}", f"system.slice/docker-{ID}.scope"])
@pytest.mark.parametrize("files", [VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def test_what_a_container_uses_and_may_use(tmp_path: Path, files: Mapping[str, str], group: str) -> None:
    use = use_of(ID, tree(tmp_path, files, group))

    assert (use.cpu_s, use.cpus_limit, use.throttled_s) == (1.5, 0.5, 0.25)
    assert (use.memory_bytes, use.memory_limit_bytes) == (2_000_000, 134_217_728)
    assert (use.processes, use.processes_limit) == (3, 64)


@pytest.mark.parametrize("number", [0, 1], ids=["version 1", "version 2"])
def test_no_limit_is_none(tmp_path: Path, number: int) -> None:
    files = (VERSION_1, VERSION_2)[number] | WITHOUT_LIMITS[number]
    use = use_of(ID, tree(tmp_path, files, f"docker/{ID}"))

    assert (use.cpus_limit, use.memory_limit_bytes, use.processes_limit) == (None, None, None)


@pytest.mark.parametrize("files", [VERSION_1, VERSION_2], ids=["version 1", "version 2"])
def test_a_container_that_does_not_run_is_not_found(tmp_path: Path, files: Mapping[str, str]) -> None:
    root = tree(tmp_path, files, f"docker/{ID}")

    with pytest.raises(NotFound, match="does not run"):
        use_of("f" * 64, root)


def test_one_that_goes_while_it_is_read_is_not_found(tmp_path: Path) -> None:
    root = tree(tmp_path, VERSION_2, f"docker/{ID}")
    (root / f"docker/{ID}" / "memory.current").unlink()

    with pytest.raises(NotFound, match="does not run"):
        use_of(ID, root)
