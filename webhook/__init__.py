"""Receives deliveries: authenticates, records and enqueues them. Never reaches the container runtime."""
