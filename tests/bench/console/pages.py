"""Every page of the console beside a bare Flask page on the same gunicorn: how late its first byte comes, what it costs
the router, and what a browser loads for it."""

from __future__ import annotations

import gzip
import re
import statistics
from dataclasses import dataclass, field

from flask import Flask, url_for

from router.console.views import declared
from tests.bench.console.asking import Client, cpu_ms
from tests.bench.console.dataset import Filled
from tests.bench.measuring import Row, percentile

BUDGET_MS, BUDGET_KB = 100.0, 150.0
_LOADED = re.compile(r'(?:src|href)="(/assets/[^"#]+)')
_NO_PAGES = {"console.follow_page", "console.get_asset", "console.show_platform"}
"""The last is for platform admins alone, and nobody is one by a token."""


@dataclass(slots=True)
class Figures:
    """Of one page, or of the bare one."""

    first_byte_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """The router's, a page."""
    database_ms: list[float] = field(default_factory=list)
    """PostgreSQL's."""
    page_kb: float = 0.0
    page_compressed_kb: float = 0.0
    loaded_kb: float = 0.0
    """Scripts, style, icons: compressed, as they are sent. A browser loads them once."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Whom the pages are asked of, and what the processes are called."""

    console: Client
    bare: Client
    router: int
    bare_pid: int
    database: int = 0
    """0: SQLite, which is in the router."""


def addresses(filled: Filled) -> dict[str, str]:
    """Rule → address, of every page that the console declares."""
    app = Flask(__name__)
    app.register_blueprint(declared())
    values = {"app": filled.apps[1], "deployment": filled.deployment, "hook": filled.hook}
    found = {}
    with app.test_request_context():
        for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
            if (
                rule.endpoint.startswith("console.")
                and "GET" in (rule.methods or ())
                and rule.endpoint not in _NO_PAGES
            ):
                found[rule.rule] = url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})
    return found


def measure(of: Measured, pages: dict[str, str], rounds: int, each: int) -> dict[str, Figures]:
    """By rounds in turn: in each, every page is asked for some times and so is the bare one."""
    found = {name: Figures() for name in ("", *pages)}
    for name, address in pages.items():
        _weigh(of.console, address, found[name])
    for _ in range(rounds):
        _round(found[""], of.bare, "/", of.bare_pid, 0, each)
        for name, address in pages.items():
            _round(found[name], of.console, address, of.router, of.database, each)
    return found


def _round(figures: Figures, client: Client, address: str, pid: int, database: int, each: int) -> None:
    before, of_database = cpu_ms(pid), cpu_ms(database) if database else 0.0
    for _ in range(each):
        answer = client.get(address)
        assert answer.status == 200, f"{address}: {answer.status}: {answer.text[:2000]}"
        figures.first_byte_ms.append(answer.first_byte_ms)
    figures.cpu_ms.append((cpu_ms(pid) - before) / each)
    figures.database_ms.append((cpu_ms(database) - of_database) / each if database else 0.0)


def _weigh(client: Client, address: str, figures: Figures) -> None:
    """Asks once before, and waits: then the dashboard has its figures."""
    client.get(f"{address}?wait=1")
    answer = client.get(address)
    assert answer.status == 200, f"{address}: {answer.status}: {answer.text[:2000]}"
    loaded = [client.get(each) for each in sorted(set(_LOADED.findall(answer.text)))]
    assert all(each.status == 200 for each in loaded)
    figures.page_kb = len(answer.body) / 1000
    figures.page_compressed_kb = len(gzip.compress(answer.text.encode(), 6)) / 1000
    figures.loaded_kb = sum(len(each.body) for each in loaded) / 1000


def table(found: dict[str, Figures], of: str) -> str:
    """Markdown, the most expensive page first."""
    bare = found[""]
    of_time = "first byte p50 | p95 | of bare | router's CPU | of bare | database's CPU"
    heading = f"{of_time} | page | compressed | with all that it loads"
    lines = [f"| {of} | {heading} |", f"| --- {'| ---: ' * 9}|"]
    for name, figures in sorted(found.items(), key=lambda each: -statistics.median(each[1].cpu_ms)):
        lines.append(f"| {_line(name or 'a bare Flask page', figures, bare)} |")
    return "\n".join(lines)


def _line(name: str, figures: Figures, bare: Figures) -> str:
    p50, cpu = statistics.median(figures.first_byte_ms), statistics.median(figures.cpu_ms)
    cells = [
        name,
        f"{p50:.1f} ms",
        f"{percentile(figures.first_byte_ms, 0.95):.1f} ms",
        f"{p50 / statistics.median(bare.first_byte_ms):.0f}",
        f"{cpu:.1f} ms",
        f"{cpu / statistics.median(bare.cpu_ms):.0f}",
        f"{statistics.median(figures.database_ms):.1f} ms",
        f"{figures.page_kb:.0f} KB",
        f"{figures.page_compressed_kb:.1f} KB",
        f"{figures.page_kb + figures.loaded_kb:.0f} KB",
    ]
    return " | ".join(cells)


def rows(found: dict[str, Figures], of: str) -> list[Row]:
    """The worst page's."""
    pages = {name: figures for name, figures in found.items() if name}
    slowest = max(pages, key=lambda each: percentile(pages[each].first_byte_ms, 0.95))
    figures = pages[slowest]
    p95 = percentile(figures.first_byte_ms, 0.95)
    shown = f"{slowest}: p50 {statistics.median(figures.first_byte_ms):.1f} ms, p95 {p95:.1f} ms"
    ratio = statistics.median(figures.first_byte_ms) / statistics.median(found[""].first_byte_ms)
    largest = max(pages, key=lambda each: pages[each].page_kb + pages[each].loaded_kb)
    weight = pages[largest].page_kb + pages[largest].loaded_kb
    return [
        Row(
            f"console, first byte of the slowest page ({of})",
            f"{shown}, {ratio:.0f} × bare",
            "p95 ≤ 100 ms",
            p95 <= BUDGET_MS,
        ),
        Row(
            f"console, the heaviest page with all that it loads ({of})",
            f"{largest}: {weight:.0f} KB",
            "≤ 150 KB",
            weight <= BUDGET_KB,
        ),
    ]
