"""Reads the edge's /metrics strictly: what a Prometheus would refuse fails here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = rf'({NAME})="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


@dataclass
class Family:
    kind: str
    help: str
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)


class Page:
    """One answer of /metrics."""

    def __init__(self, text: str) -> None:
        assert text.endswith("\n")
        self.families: dict[str, Family] = {}
        self._current = ""
        helps: dict[str, str] = {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name, _, helps[name] = line[7:].partition(" ")
            elif line.startswith("# TYPE "):
                self._begin(*line[7:].split(" "), helps)
            else:
                self._take(line)

    def _begin(self, name: str, kind: str, helps: dict[str, str]) -> None:
        assert name not in self.families, f"{name} comes twice"
        assert helps.get(name), f"{name} has no help"
        assert kind in ("counter", "gauge", "histogram")
        assert kind != "counter" or name.endswith("_total"), name
        self.families[name] = Family(kind, helps[name])
        self._current = name

    def _take(self, line: str) -> None:
        match = SAMPLE.fullmatch(line)
        assert match, f"not a sample: {line!r}"
        family = self.families[self._current]
        allowed = {self._current + suffix for suffix in SUFFIXES.get(family.kind, ("",))}
        assert match[1] in allowed, f"{match[1]} stands below {self._current}"
        labels = re.findall(LABEL, match[2] or "")
        key = match[1], frozenset(labels)
        assert len(dict(labels)) == len(labels)
        assert key not in family.samples, f"twice: {line}"
        family.samples[key] = float(match[match.lastindex or 0])

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples that have these labels; 0 when there is none."""
        wanted = set(labels.items())
        return sum(
            value
            for family in self.families.values()
            for (sample, has), value in family.samples.items()
            if sample == f"slipway_edge_{name}" and wanted <= has
        )

    def buckets(self, name: str, **labels: str) -> list[float]:
        """A histogram's buckets, by bound."""
        found = {
            float(dict(has)["le"].replace("+Inf", "inf")): value
            for (sample, has), value in self.families[f"slipway_edge_{name}"].samples.items()
            if sample.endswith("_bucket") and set(labels.items()) <= has
        }
        return [found[bound] for bound in sorted(found)]


def classes(page: Page, name: str = "requests_total", **labels: str) -> dict[str, int]:
    """Class of status → requests, without the empty ones."""
    counted = {f"{n}xx": int(page.value(name, code_class=f"{n}xx", **labels)) for n in range(1, 6)}
    return {name: count for name, count in counted.items() if count}
