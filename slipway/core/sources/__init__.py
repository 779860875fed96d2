"""What a commit names besides its own files: other repositories, and contents that are kept elsewhere."""
