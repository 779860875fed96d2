"""What runs by the clock: collecting, giving out again, catching up."""
