"""Why apps fail, by what stands in their output and what the kernel and the Engine say: causes and their remedies."""
