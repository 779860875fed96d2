"""What the command shows while it happens: builds, rollouts and the output of replicas."""
