"""Takes deliveries: verifies, records and enqueues them. Never reaches the container runtime."""
