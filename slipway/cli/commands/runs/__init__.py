"""Commands about what runs beside the replicas."""
