"""`python -m slipway.host.dns_responder`: answers for the challenges' zone until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from slipway import logs, settings
from slipway.adapters.dns.responder import Responder
from slipway.adapters.dns.zone import Zone
from slipway.adapters.linux.own_addresses import public_addresses
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.challenges import DnsChallenges
from slipway.errors import SlipwayError
from slipway.settings import Settings, address_of

log = logging.getLogger(__name__)


def main() -> int:
    """Returns the exit code; wrong settings and a port that is taken are the reasons for one that isn't 0."""
    try:
        chosen = settings.load()
        logs.configure("dns", chosen.log_level)
        asyncio.run(_serve(chosen))
    except SlipwayError as error:
        print(f"slipway-dns: {error.message}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"slipway-dns: can't listen on {chosen.acme_dns_listen}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


async def _serve(chosen: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    zone = Zone(chosen.acme_dns_zone, tuple(sorted(public_addresses(chosen), key=str)))
    challenges = DnsChallenges(work_queue.connect(chosen.redis_url))
    host, port = address_of(chosen.acme_dns_listen)
    responder = Responder(zone, challenges.all)
    await responder.serve(host, port, stopped, lambda: log.info("answers", extra={"zone": zone.name}))


if __name__ == "__main__":
    sys.exit(main())
