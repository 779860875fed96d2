"""From a repository's files, or an image's name, to what is built or pulled."""
