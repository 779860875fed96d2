"""Commands for what happens at a forge."""
