"""Certificates of hosts: asked for, checked, given, and listed."""
