"""What a host needs and how the platform runs on it.

Standard library only (and `slipway.settings`, `slipway.errors`): `python3 -m slipway.host install` works with the
system's Python before anything is installed.
"""
