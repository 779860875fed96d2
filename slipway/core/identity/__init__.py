"""What Slipway needs of the identity provider, and how that differs from what is there."""
