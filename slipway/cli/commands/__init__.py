"""The commands: a file for each noun that follows `slipway`."""
