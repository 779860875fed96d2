"""`make screenshots`: the pictures of README and docs, of a platform with real apps under real load."""
