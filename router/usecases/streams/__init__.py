"""Use cases that follow something: deployments' events and replicas' output."""
