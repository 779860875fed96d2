"""Where an image comes from: a commit that is built, or a registry."""
