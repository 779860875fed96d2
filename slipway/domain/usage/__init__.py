"""What was used, in SQL: counted once from records and samples, kept, and read."""
