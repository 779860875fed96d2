"""The agent's internal API."""
