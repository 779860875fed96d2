"""What names, hosts and addresses may look like: the one place of validation."""
