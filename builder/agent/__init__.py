"""The agent: the only one that starts, probes, switches, drains and removes.

It compares wish (SQL) with reality (the container runtime, what the edges confirmed) and does the next step, again and
again. `slipway.core.rollout` decides; the modules here look and carry out. Nothing that matters is kept in memory, so
the agent may be killed at any moment and goes on where it was.

    service     threads and loops: elected, woken, never in a crash loop
    passes      one pass over one app: look, decide, do, until there is nothing to do
    view        SQL rows + runtime + confirmations → what slipway.core.rollout decides on
    deploying   a deployment's steps: begin, pre-deploy, switch, go live, fail
    staffing    a replica's steps: create, launch, probe, drain, remove
    publishing  the route table from SQL to the edges
    upkeep      what isn't urgent: lapsed rows, missed pushes, retention, deleted apps, resting addresses
"""
