"""What more than one process does to the rows: making and moving deployments, routes, tokens and the audit log."""
