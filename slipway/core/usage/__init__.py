"""What was used: what is counted, in which records it comes, how it is kept."""
