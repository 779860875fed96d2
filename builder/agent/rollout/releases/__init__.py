"""What a release freezes of an app, and what the runtime is asked to start of it."""
