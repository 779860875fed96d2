"""The jobs of certificates: issue, renew, remove. One at a time, in a process apart from builds."""
