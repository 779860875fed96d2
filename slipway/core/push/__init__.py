"""What a delivery says, and which app it is for."""
