"""The domain name system: a resolver that asks, and a small authoritative server that answers for one zone."""
