"""What the agent does in services that stand beside apps: backups, restores, new passwords."""
