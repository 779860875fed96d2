"""Which release an intent is about: what a rollback goes to, and what a promotion takes."""
