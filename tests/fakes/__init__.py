"""Fakes of the ports, a file for each port. tests/contracts runs the same suite on them and on the real adapters.

What only a test does to a fake stands below the port's own methods.
"""

from tests.fakes.building import FakeBuilder, FakeSources
from tests.fakes.directory import FakeDirectory
from tests.fakes.logs import FakeLog
from tests.fakes.people import FakePeople
from tests.fakes.routes import FakePublisher
from tests.fakes.runtime import FakeContainer, FakeRuntime
from tests.fakes.usage import FakeEdge, FakeUsageStream

__all__ = [
    "FakeBuilder",
    "FakeContainer",
    "FakeDirectory",
    "FakeEdge",
    "FakeLog",
    "FakePeople",
    "FakePublisher",
    "FakeRuntime",
    "FakeSources",
    "FakeUsageStream",
]
