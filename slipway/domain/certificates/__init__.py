"""Certificates in the database: those that hosts want, and those that somebody gave."""
