"""What replicas say and use."""
