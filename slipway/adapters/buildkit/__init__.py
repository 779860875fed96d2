"""BuildKit: building images, its step cache and its control group."""
