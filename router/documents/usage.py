"""What was used, step by step."""

from __future__ import annotations

from datetime import datetime

from pydantic import AliasChoices, Field

from router.documents.document import Document, one_of
from slipway.core.usage.fields import CLASSES
from slipway.core.usage.periods import Step
from slipway.domain.usage.folding import CLOCK, LATE, LOST, UNREADABLE

TIMED = "null: none was timed. WebSockets and event streams are not."


class Latency(Document):
    """How long requests took at most, in milliseconds."""

    p50: float
    p95: float
    p99: float


class UsagePoint(Document):
    """A step in which something was counted."""

    at: datetime = Field(description="When the step began.")
    requests: int
    by_class: dict[str, int] = Field(description=f"By class of status: {one_of(CLASSES)}")
    bytes_in: int
    bytes_out: int
    duration_ms: int = Field(description="All requests' together, without WebSockets and event streams.")
    latency_ms: Latency | None = Field(description=TIMED)
    running_s: float = Field(description="Of all replicas together.")
    cpu_s: float
    memory_bytes: int | None = Field(description="Of a replica, on average while it ran. null: none ran.")
    memory_peak_bytes: int = Field(description="The most that one replica had at a sample.")
    memory_byte_s: int = Field(description="Memory times the seconds that it was held.")
    memory_limit_byte_s: int = Field(description="The limit of memory times the seconds of running.")
    network_in_bytes: int = Field(description="Of replicas' containers, whoever they talked to.")
    network_out_bytes: int


class UsageSeries(Document):
    """Empty fields: it is of several, or has none."""

    app: str
    environment: str
    process: str
    image: str = Field(description="Its digest.")
    image_name: str = Field(description="Empty: it was built from the app's repository.")
    replica: str
    points: list[UsagePoint] = Field(description="Steps in which nothing was counted are left out.")


class UsageGap(Document):
    """A time in which something is missing, of any tenant's apps."""

    kind: str = Field(
        description=f"{one_of((LOST, UNREADABLE, LATE, CLOCK))} Only of the first two, nothing is counted."
    )
    from_: datetime = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    to: datetime
    records: int = Field(description="An edge writes about one a second.")


class Usage(Document):
    from_: datetime = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    to: datetime
    step: str = Field(description=one_of(Step))
    series: list[UsageSeries]
    gaps: list[UsageGap]
