"""The agent: the only process that starts, probes, switches, drains and removes replicas.

It compares the desired state (SQL) with the observed state (the container runtime, what the edges confirmed) and takes
the next step, again and again. `slipway.core.rollout.decide` decides; the modules here observe and act. Nothing that
matters is kept in memory, so the agent may be killed at any moment and goes on where it was.

    service       threads and loops of the elected agent, its event listener, restarts of whatever fails
    assembly      which component gets which dependency
    rollout/      one app's way to its desired state: state_loader reads it, reconcile decides and acts
    routes/       the route table that the edges get, and when a replica's address may be used again
    api/          what other processes ask of it, over two unix sockets
    telemetry/    what replicas print and use
    maintenance/  what runs by the clock: stale rows, missed pushes, retention, deleted apps, dangling containers
"""
