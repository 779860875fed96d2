"""Certificates that somebody gives for a host: may the edge serve with them, and if not, what to do?"""
