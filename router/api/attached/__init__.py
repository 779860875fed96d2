"""Paths of services that stand beside apps."""
