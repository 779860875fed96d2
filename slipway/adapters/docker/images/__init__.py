"""Images on the Engine: which are our own, and those that are pulled from registries."""
