"""What is reported of deployments, and how GitHub gets it."""
