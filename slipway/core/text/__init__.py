"""Text for people: masked, as a terminal shows it, with commands to copy."""
