"""A worker's lease on a deployment: `claim` takes it, `Heartbeat` keeps it, and every write checks it.

The lease is lost when the worker was silent for longer than SLIPWAY_LAPSE_S: the agent has then given the deployment a
new attempt, which another worker may have claimed, and the old worker may write nothing any more.
"""

from builder.lease.heartbeat import Heartbeat, Stop
from builder.lease.lease import Lease, LeaseLost, claim
from builder.lease.work import Work

__all__ = ["Heartbeat", "Lease", "LeaseLost", "Stop", "Work", "claim"]
