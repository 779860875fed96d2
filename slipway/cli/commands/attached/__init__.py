"""Commands about services that stand beside apps."""
