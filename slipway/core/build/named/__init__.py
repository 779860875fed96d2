"""Builders that an app names, beside Dockerfiles and detection."""
