"""Redis: the queue, the route table's copy, deployments' logs, the edges' metrics."""
