"""Pull requests at their forges: which are open, and a comment on one."""
