"""The agent: the only one that starts, probes, switches, drains and removes.

It compares wish (SQL) with reality (the container runtime, what the edges confirmed) and does the next step, again and
again. `slipway.core.rollout` decides; the modules here look and carry out. Nothing that matters is kept in memory, so
the agent may be killed at any moment and goes on where it was.

    service      threads and loops: elected, woken, never in a crash loop
    rollout/     one app towards what is wished: passes look (view), decide, and carry out (deploying, staffing)
    routes/      what the edges are told (publishing, targets), and when an address may be used again
    telemetry/   what replicas say and use
    upkeep/      what isn't urgent: lapsed rows, missed pushes, retention, deleted apps, strays
"""
