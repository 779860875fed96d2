"""What an app needs next, decided from its desired and its observed state."""
