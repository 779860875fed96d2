"""Quotas of tenants: what can be limited, and how much is used."""
