"""Use cases whose answer goes on: deployments' events and replicas' output."""
