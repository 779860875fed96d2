"""What the template of Node projects knows: manifests, package managers, frameworks."""
