"""Roles, tokens and quotas of streams."""
