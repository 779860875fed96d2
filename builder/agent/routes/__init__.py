"""What the edges are told, and which addresses they may be told."""
