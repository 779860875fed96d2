"""What both Flask apps share: problem documents, request ids, the client's address, readiness, gunicorn's worker."""
