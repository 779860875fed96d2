"""Quotas: how much a tenant uses, what it may use, and the plans that say so."""
