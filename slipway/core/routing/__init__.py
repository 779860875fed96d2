"""The content of the route table, and the addresses of networks and replicas."""
