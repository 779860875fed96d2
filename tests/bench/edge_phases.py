"""What of a request's cost at the edge goes where: the edge with one part after the other taken out, in alternating
rounds, down to plain nginx. The difference of two lines is the part's cost."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import edge_costs
from tests.bench.edge_contenders import HOST, Command, Contender, Site, nginx, running, short_folder, slipway
from tests.bench.edge_load import LoadGenerator

Removal = Callable[[Path, Site], None]


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file.name} no longer has: {old}"
    file.write_text(text.replace(old, new))


def _timers(edge: Path, _: Site) -> None:
    for timer in ("reporter", "usage_stream"):
        _replace(edge / "lua/slipway/worker/worker.lua", f"  {timer}.start()\n", "")


def _log(edge: Path, _: Site) -> None:
    _replace(edge / "apps.conf", "{ slipway.log_app() }", "{ return }")


def _filters(edge: Path, _: Site) -> None:
    _replace(edge / "apps.conf", "{ slipway.header_app() }", "{ return }")
    _replace(edge / "nginx.conf", "{ slipway.body() }", "{ return }")


def _admission(edge: Path, site: Site) -> None:
    _replace(edge / "apps.conf", "{ return slipway.rewrite_app() }", '{ return "app" }')
    dial = f'{{ require("ngx.balancer").set_current_peer("127.0.0.1", {site.backend}) }}'
    _replace(edge / "nginx.conf", "{ return slipway.dial() }", dial)


def _hooks(edge: Path, site: Site) -> None:
    fixed = f"server 127.0.0.1:{site.backend};"
    for old in ("server 0.0.0.1;  # never used: the balancer names the target", "server 0.0.0.1;"):
        _replace(edge / "nginx.conf", old, fixed)
    _drop(edge / "nginx.conf", "balancer_by_lua", "header_filter_by_lua", "body_filter_by_lua")
    _drop(edge / "apps.conf", "header_filter_by_lua", "log_by_lua", "lua_check_client_abort")
    _replace(edge / "apps.conf", 'set_by_lua_block $slipway_app { return "app" }', "set $slipway_app app;")


def _drop(file: Path, *directives: str) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.strip().startswith(directives)))


REMOVED: Mapping[str, Removal] = {
    "without telling Redis of usage and of what is under way": _timers,
    "… and without its log phase": _log,
    "… and with empty filters of header and body": _filters,
    "… and with a fixed target, admission and balancer empty": _admission,
    "… and without Lua in the request's way": _hooks,
}
ROUNDS, SECONDS = 12, 1


def measure(count: int = 100) -> str:
    """Markdown: CPU time a request of each, the least disturbed quarter of its rounds."""
    commands: dict[str, Command] = {"the edge": slipway}
    removals: list[Removal] = []
    for name, removal in REMOVED.items():
        removals.append(removal)
        commands[name] = _without(tuple(removals))
    commands["plain nginx"] = nginx
    with short_folder() as folder, running(folder, count, commands) as contenders:
        costs = _costs(contenders, LoadGenerator(folder, HOST, count))
    lines = [f"| {count:,} routes | CPU a request | of that |", "| --- | ---: | ---: |"]
    below = [*list(costs.values())[1:], 0.0]
    lines += [
        f"| {name} | {cost:.1f} µs | {cost - next_one:.1f} µs |"
        for (name, cost), next_one in zip(costs.items(), below, strict=True)
    ]
    return "\n".join(lines)


def _without(removals: tuple[Removal, ...]) -> Command:
    def command(site: Site) -> list[str]:
        argv = slipway(site)
        for removal in removals:
            removal(site.folder / "edge", site)
        return argv

    return command


def _costs(contenders: list[Contender], load: LoadGenerator) -> dict[str, float]:
    rounds: dict[str, list[float]] = {each.name: [] for each in contenders}
    for each in contenders:
        load.saturate(each.port, 1)
    for _ in range(ROUNDS):
        for each in contenders:
            before_s = edge_costs.cpu_s(*each.pids)
            answered = load.saturate(each.port, SECONDS)
            rounds[each.name].append((edge_costs.cpu_s(*each.pids) - before_s) / answered.requests * 1e6)
    return {name: statistics.quantiles(costs, n=4)[0] for name, costs in rounds.items()}
