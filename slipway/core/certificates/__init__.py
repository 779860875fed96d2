"""Which certificates hosts want, when they are asked for and renewed, how often, and what a failure means."""
