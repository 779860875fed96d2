"""Commands that run once, beside an app's replicas: by hand, or by a schedule."""
