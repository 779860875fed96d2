"""What runs by the clock: collecting, requeueing, catching up, removing."""
