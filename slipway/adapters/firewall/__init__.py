"""The host's firewall (iptables)."""
