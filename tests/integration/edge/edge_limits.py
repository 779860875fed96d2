"""Limits as a route's entry has them, and what answers say of them. And the script that Redis runs for them, called as
an edge calls it, with a clock that tests set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_rig import Answer
from redis import Redis

SOURCES = Path(__file__).parents[3] / "nginx/lua/slipway/limits"
CLOCK = 'redis.call("TIME")'
ADDRESS = "192.0.2.1"
TOKENS, EDGES, HITS = "slipway:limits:tokens", "slipway:edges:confirmed", "slipway:limits:hits:1"
US = 1_000_000
PORTION_US = US // 4
SLOW_HOST = {"limits_timeout_s": 20, "limits_released_within_s": 0.5}
"""A busy host may take long to answer for Redis, or to give a lease back: these tests are not about that."""
LONG_LEASES = {"limits_lease_s": 600, "limits_renewed_every_s": 0.3}
"""Longer than any test waits: what ends before was given back."""
LONG_PORTIONS = {"limits_portion_s": 10, "limits_portion_every_s": 0.3, "limits_often_within_s": 5}
"""A busy host's worker gives back before its portion ends, its clients are quick enough to get one, and some have one
when a limit is used up."""
HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy")
ITEM = re.compile(r'"([\w/-]+)";r=(\d+);t=(\d+)(;pk=:[A-Za-z0-9+/]+=*:)?')
POLICY = re.compile(r'"([\w/-]+)";q=(\d+)(?:;w=(\d+)|;qu="concurrent-requests")(;pk=:[A-Za-z0-9+/]+=*:)?')


def calls(app: str, requests: int = 3, per_s: int = 3600, **more: Any) -> dict[str, Any]:
    return {"id": f"{app}/calls", "name": "calls", "requests": requests, "per_s": per_s, **more}


def parallel(app: str, at_once: int, **more: Any) -> dict[str, Any]:
    return {"id": f"{app}/parallel", "name": "parallel", "at_once": at_once, **more}


def of_client(address: str) -> dict[str, Any]:
    return {"headers": {"X-Forwarded-For": address}}


def statuses(answers: Iterable[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def check_headers(answer: Answer) -> None:
    """Both families are there, and say the same."""
    assert set(HEADERS) <= answer.headers.keys()
    name, left, reset, key = ITEM.fullmatch(answer.headers["ratelimit"]).groups()
    policies = {found[1]: found for found in map(POLICY.fullmatch, answer.headers["ratelimit-policy"].split(", "))}
    assert policies[name].group(2) == answer.headers["x-ratelimit-limit"]
    assert policies[name].group(4) == key
    assert (left, reset) == (answer.headers["x-ratelimit-remaining"], answer.headers["x-ratelimit-reset"])
    if "retry-after" in answer.headers and answer.status == 429:
        assert left == "0"
        assert int(answer.headers["retry-after"]) >= int(reset)


@dataclass(frozen=True)
class Rate:
    """`most` requests in `period_us`."""

    most: int
    period_us: int = 60 * US
    id: str = "1/calls"
    by: str = "caller"
    only_reports: bool = False
    kind: str = "rate"


@dataclass(frozen=True)
class AtOnce:
    """`most` requests under way. `period_us` is how long a lease lasts."""

    most: int
    period_us: int = 30 * US
    id: str = "1/parallel"
    by: str = "caller"
    only_reports: bool = False
    kind: str = "at_once"


@dataclass(frozen=True)
class State:
    """`state`: passes, refuses, would refuse, or is not concerned."""

    state: str
    left: int
    reset_us: int


@dataclass(frozen=True)
class Reply:
    passes: bool
    edges: int
    is_known: bool
    limits: tuple[State, ...]
    is_in_doubt: bool = False


@dataclass(frozen=True)
class Reserved:
    """`left`: of each limit, besides what is reserved."""

    added: int
    is_lost: bool
    left: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """A portion to be renewed. `wanted`: None gives up the rest."""

    portion: str
    used: int
    held: int
    wanted: int | None
    limits: tuple[Rate, ...]
    address: str = ADDRESS

    def text(self) -> str:
        wanted = "-" if self.wanted is None else self.wanted
        of_limits = [number for limit in self.limits for number in (limit.most, limit.period_us)]
        return " ".join(map(str, [self.portion, self.used, self.held, wanted, *of_limits]))


STATES = ("passes", "refuses", "would refuse", "not concerned")


@dataclass
class Script:
    client: Redis
    now_us: int = 1_800_000_000 * US
    callers_apart: int = 1000
    is_asked_again: bool = False
    """Whether the edge asks once more when only limits of requests at one time refuse."""
    requests: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._take, self._reserve = (self._registered("rate_debt", name) for name in ("take", "reserve"))

    def _registered(self, *names: str) -> Any:
        source = "".join((SOURCES / f"{name}.lua").read_text() for name in names)
        assert CLOCK in source
        fake = "{ARGV[#ARGV - 1], ARGV[#ARGV]}"
        return self.client.register_script(source.replace(CLOCK, fake))

    def take(
        self,
        *limits: Rate | AtOnce,
        address: str = ADDRESS,
        token: str = "",
        user: str = "",
        tenant: str = "acme",
        request: str = "",
    ) -> Reply:
        self.requests += 1
        keys = [TOKENS, EDGES, HITS, *(f"slipway:limits:state:{each.id}" for each in limits)]
        name = request or f"request-{self.requests}"
        arguments: list[Any] = [name, tenant, address, token, self.callers_apart, int(self.is_asked_again), user]
        arguments += [PORTION_US]
        for each in limits:
            arguments += [each.kind, each.most, each.period_us, each.by, int(each.only_reports)]
        reply = self._take(keys=keys, args=[*arguments, *divmod(self.now_us, US)])
        found = [State(STATES[reply[at]], *reply[at + 1 : at + 3]) for at in range(3, len(reply), 3)]
        return Reply(reply[0] == 1, reply[1], reply[2] == 1, tuple(found), is_in_doubt=reply[0] == 2)

    def allowed(self, *limits: Rate | AtOnce, of: int, **caller: str) -> int:
        """How many of so many requests pass, at the same moment."""
        return sum(self.take(*limits, **caller).passes for _ in range(of))

    def reserve(self, portion: str, used: int, held: int, wanted: int | None, *limits: Rate) -> Reserved:
        """For the caller at `ADDRESS`."""
        return self.reserve_all(Asked(portion, used, held, wanted, limits))[0]

    def reserve_all(self, *asked: Asked) -> list[Reserved]:
        """Of several portions in one call, as a worker asks for all of its own."""
        texts = [each.text() for each in asked]
        keys = [f"slipway:limits:state:{limit.id}:{each.address}" for each in asked for limit in each.limits]
        reply = self._reserve(keys=keys, args=[PORTION_US, *texts, *divmod(self.now_us, US)]).decode()
        return [_reserved(each) for each in reply.removesuffix("|").split("|")]


def _reserved(text: str) -> Reserved:
    added, is_lost, *left = map(int, text.split())
    return Reserved(added, is_lost == 1, tuple(left[::2]))
