"""The file of a backup: an encrypted tar archive, how it is written and read."""
