"""What a host needs, and installing it."""
