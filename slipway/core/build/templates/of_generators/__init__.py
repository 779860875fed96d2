"""What the templates of site generators know."""
