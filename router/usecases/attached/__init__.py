"""What is done with services that stand beside apps."""
