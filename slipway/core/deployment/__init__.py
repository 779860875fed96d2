"""The states of a deployment, the order of intents, and what an end means."""
