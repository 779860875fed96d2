"""What a GitHub App is sent and sends, as plain values."""
