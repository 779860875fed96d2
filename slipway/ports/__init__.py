"""What the core needs from the world, as protocols. Adapters implement them; tests bring fakes (tests/fakes)."""
