"""What is done with runs, by hand and by a schedule."""
