"""A resolver that knows what a test says. The real one is in tests/integration/dns/test_resolver.py."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway.core.dns.answers import Answer, Outcome


@dataclass
class FakeResolver:
    """`slipway.ports.dns.Resolver`: `records[name, type]` are the values; a name without any does not exist."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fails: Outcome | None = None
    """How every question ends; None: by what `records` says."""

    def addresses(self, name: str) -> tuple[Answer, Answer]:
        return self._answer(name, "A"), self._answer(name, "AAAA")

    def texts(self, name: str) -> Answer:
        return self._answer(name, "TXT")

    def alias(self, name: str) -> Answer:
        return self._answer(name, "CNAME")

    def name_servers(self, name: str) -> Answer:
        return self._answer(name, "NS")

    def caa(self, name: str) -> Answer:
        return self._answer(name, "CAA")

    def _answer(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        values = tuple(self.records.get((name, kind), ()))
        outcome = self.fails or (Outcome.FOUND if values else Outcome.NO_SUCH_NAME)
        return Answer(name, kind, outcome, values if outcome is Outcome.FOUND else ())
