"""git: reading repositories, and commit statuses at the forge."""
