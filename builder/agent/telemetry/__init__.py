"""What replicas print and use."""
