"""What is followed from the agent once, however many viewers there are."""
