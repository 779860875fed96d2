"""What other processes ask of the agent, over its two unix sockets: short calls, and streams."""
