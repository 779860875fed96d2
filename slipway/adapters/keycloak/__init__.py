"""What is spoken to Keycloak: its admin API, by python-keycloak."""
